/* SPDX-License-Identifier: MIT
 *
 * Runs of vatten_bench as one page of HTML to be read by people and attached to reports: nothing of it is fetched from elsewhere,
 * there is no script, plots are SVG. A page is made from the JSON documents of the runs and nothing else, and holds them.
 */
#ifndef TOOLS_BENCH_PAGE_H
#define TOOLS_BENCH_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include <cjson/cJSON.h>

/* The page of an array of runs. */
void bench_page_print(FILE *out, const cJSON *runs);

/* The same into a file, written aside and renamed. False, and said, when that failed. */
bool bench_page_write(const char *path, const cJSON *runs);

/* Whether that would do, with a file that goes again: asked before what takes long. False, and said, when not. */
bool bench_page_can_write(const char *path);

/* `vatten_bench html RUNS PAGE`: the runs of a history, or of what --json printed. Needs no device. */
int bench_page_files(int argc, char **argv);

#endif /* TOOLS_BENCH_PAGE_H */
