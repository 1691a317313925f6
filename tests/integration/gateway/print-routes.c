/* Prints the route table, a line a route: method, pattern, who. */
#include <stdio.h>

#include "gateway/route.h"

int main(void)
{
	for (size_t i = 0; i < route_count; i++) {
		printf("%s %s %s\n", route_method_name(routes[i].method), routes[i].pattern,
				route_who_name(routes[i].who));
	}
	return 0;
}
