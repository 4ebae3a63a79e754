/* SPDX-License-Identifier: MIT
 *
 * `vatten_bench mass`: attention mass against the forward attention that it follows.
 */
#ifndef TOOLS_BENCH_MASS_H
#define TOOLS_BENCH_MASS_H

/* The command line from behind "mass" on, argv[0] being skipped. Returns the exit status. */
int bench_mass(int argc, char **argv);

#endif /* TOOLS_BENCH_MASS_H */
