#ifndef SAFEWEB_CLI_IMAGE_H
#define SAFEWEB_CLI_IMAGE_H

#include "cli/cli.h"
#include "container/image.h"

/* Options for image_build and image_current as the settings have them; progress on standard error.
 */
void cli_image_options(const struct cli *cli, struct image_options *ret_options);

#endif
