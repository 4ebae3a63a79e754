/* SPDX-License-Identifier: MIT
 *
 * `vatten_bench sparse`: sparse attention against dense attention, and what choosing the blocks costs.
 */
#ifndef TOOLS_BENCH_SPARSE_H
#define TOOLS_BENCH_SPARSE_H

/* The command line from behind "sparse" on, argv[0] being skipped. Returns the exit status. */
int bench_sparse(int argc, char **argv);

#endif /* TOOLS_BENCH_SPARSE_H */
