/* SPDX-License-Identifier: MIT
 *
 * Two runs of vatten_bench side by side, row by row. Nothing here needs a device: a run is its JSON document.
 */
#ifndef TOOLS_BENCH_COMPARE_H
#define TOOLS_BENCH_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "bench_json.h"

/* Rows are the same by problem and kernel, and what was timed in them by its name ("ms", "forward_ms", "record_us": any number
 * that has a smallest and a largest beside it). A time is slower when
 *   its median is by more than `threshold` percent larger,
 *   the same holds once the machine's own speed is taken out (by_roof: times the roof of now by that of before), and
 *   even its smallest is larger than the largest of before.
 * The result:
 *   {"before": head, "now": head, "threshold": percent, "rows": [{problem, kernel, what, before, now, ratio, by_roof,
 *    verdict}], "only_before": [...], "only_now": [...], "slower": count}
 */
cJSON *bench_compare(const cJSON *before, const cJSON *now, uint32_t threshold);

/* The result as Markdown on stdout. */
void bench_compare_print(const cJSON *result);

/* ---- Of files (compare_files.c) ---- */

/* Compares the document with the last like it in the file. The result is printed, or left in `out_result` (NULL: there is none)
 * where that is not NULL. False, and said, when there is nothing to compare with or a row is slower. */
bool bench_compare_with(const char *path, uint32_t threshold, const cJSON *document, cJSON **out_result);

/* `vatten_bench compare BEFORE NOW`: the last runs of two files, or of one the last and the one before. */
int bench_compare_files(int argc, char **argv);

#endif /* TOOLS_BENCH_COMPARE_H */
