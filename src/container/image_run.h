/* Running the helpers that build the image. */
#ifndef SAFEWEB_CONTAINER_IMAGE_RUN_H
#define SAFEWEB_CONTAINER_IMAGE_RUN_H

#include "base/error.h"

/* Runs a program (argv[0] absolute) to its end. Its standard output, at most 16 MiB, goes to
 * *ret_output, which is the caller's to free; NULL: away. On an exit status other than 0 the
 * error holds its last complaint. */
int image_run(const char *const *argv, int timeout_ms, char **ret_output, struct error *err);

#endif
