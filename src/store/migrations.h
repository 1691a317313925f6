/* The schema's steps: src/store/migrations/NNNN-name.sql, built in by tools/embed-migrations. */
#ifndef SAFEWEB_STORE_MIGRATIONS_H
#define SAFEWEB_STORE_MIGRATIONS_H

#include <stddef.h>

struct migration {
	int number; /* 1, 2, …; 0 ends the table */
	const char *name;
	const char *sql;
};

extern const struct migration migrations[];

#endif
