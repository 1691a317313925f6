/* zstd's own assertions: a trap instead of a message. */
#ifndef SAFEWEB_CODEC_WASM_ASSERT_H
#define SAFEWEB_CODEC_WASM_ASSERT_H

#define assert(condition) ((condition) ? (void)0 : __builtin_trap())

#endif
