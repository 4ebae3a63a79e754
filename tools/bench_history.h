/* SPDX-License-Identifier: MIT
 *
 * Runs of vatten_bench kept in a file: JSON Lines, a run a line, the newest last. A line is what --json prints.
 */
#ifndef TOOLS_BENCH_HISTORY_H
#define TOOLS_BENCH_HISTORY_H

#include <stdbool.h>

#include <cjson/cJSON.h>

/* Appends the document as a line of its own, whatever the file ends with. False, and said, when that failed. */
bool bench_history_append(const char *path, const cJSON *document);

/* All runs of a file as an array, which the caller deletes: of a history, or of one document however it is laid out. Lines
 * that are no run are told of by number and left out. NULL, and said, when the file cannot be read or has no run. */
cJSON *bench_history_load(const char *path);

/* The same of what stands in it, ended by a zero, which is changed. */
cJSON *bench_history_parse(const char *path, char *text);

/* The last run of `runs` of the same suite on the same device as `like`, where all runs of lists count as one suite. NULL when
 * there is none. */
const cJSON *bench_history_last(const cJSON *runs, const cJSON *like);

#endif /* TOOLS_BENCH_HISTORY_H */
