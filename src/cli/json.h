/* Output of --json. */
#ifndef SAFEWEB_CLI_JSON_H
#define SAFEWEB_CLI_JSON_H

#include <jansson.h>

/* Prints an object on one line of standard output and frees it. */
void cli_print_json(json_t *object);

#endif
