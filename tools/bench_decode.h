/* SPDX-License-Identifier: MIT
 *
 * `vatten_bench decode`: few new tokens over a long cache, against the device's copy.
 */
#ifndef TOOLS_BENCH_DECODE_H
#define TOOLS_BENCH_DECODE_H

/* The command line from behind "decode" on, argv[0] being skipped. Returns the exit status. */
int bench_decode(int argc, char **argv);

#endif /* TOOLS_BENCH_DECODE_H */
