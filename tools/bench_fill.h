/* SPDX-License-Identifier: MIT
 *
 * Numbers of tensors in host memory, drawn and stored as the oracle does both.
 */
#ifndef TOOLS_BENCH_FILL_H
#define TOOLS_BENCH_FILL_H

#include <stddef.h>
#include <stdint.h>

#include <ref.h>
#include <vatten/vatten.h>

ref_dtype bench_oracle_dtype(vatten_dtype dtype);

/* Element `at` of a tensor. */
void bench_store(vatten_dtype dtype, void *data, size_t at, float value);

/* Number i of stream `seed`, from 0 to below - 1. */
uint64_t bench_draw(uint64_t seed, uint64_t i, uint64_t below);

/* Unit variance. */
void bench_fill(vatten_dtype dtype, void *data, size_t count, uint64_t seed);

/* Rows of `dim` numbers in blocks of an f32 scale and `block` signed bytes, of unit variance: number d of row r is drawn as
 * bench_fill draws element r * dim + d, and rounded. */
void bench_fill_bytes(void *data, size_t rows, uint32_t dim, uint32_t block, uint64_t seed);

/* Writes a query of `dim` numbers from element `at` on. It has a score of about log(keys) + 1 against the key that was filled
 * from stream `seed` and starts at element `key`, so that it gives about half of its weight to this one: a key that is left
 * out or seen twice shows. */
void bench_fill_query(vatten_dtype dtype, void *data, size_t at, uint32_t dim, uint64_t keys, uint64_t seed,
                      uint64_t key);

#endif /* TOOLS_BENCH_FILL_H */
