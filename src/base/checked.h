/* Checked arithmetic for every length that a peer can influence. True means it fitted. */
#ifndef SAFEWEB_BASE_CHECKED_H
#define SAFEWEB_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool checked_add_size(size_t a, size_t b, size_t *ret_sum)
{
	return !__builtin_add_overflow(a, b, ret_sum);
}

static inline bool checked_mul_size(size_t a, size_t b, size_t *ret_product)
{
	return !__builtin_mul_overflow(a, b, ret_product);
}

static inline bool checked_add_u32(uint32_t a, uint32_t b, uint32_t *ret_sum)
{
	return !__builtin_add_overflow(a, b, ret_sum);
}

static inline bool checked_mul_u32(uint32_t a, uint32_t b, uint32_t *ret_product)
{
	return !__builtin_mul_overflow(a, b, ret_product);
}

#endif
