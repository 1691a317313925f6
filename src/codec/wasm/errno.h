/* The error numbers of the decoder. */
#ifndef SAFEWEB_CODEC_WASM_ERRNO_H
#define SAFEWEB_CODEC_WASM_ERRNO_H

#define EINVAL 22
#define EBADMSG 74
#define ENOTSUP 95

#endif
