/* SPDX-License-Identifier: MIT
 *
 * Runs of vatten_bench in a file, compared: what is no run is left out and told of, a run is never slower than itself, and the count
 * of what is slower is that of the rows which say so.
 */
#include "bench_compare.h"
#include "bench_history.h"
#include "fuzz_input.h"
#include "fuzz_say.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 8192 };

static const char *compare_broken(const cJSON *before, const cJSON *now) {
    cJSON *result = bench_compare(before, now, 10);
    const cJSON *row, *rows = cJSON_GetObjectItem(result, "rows");
    int slower = 0;
    cJSON_ArrayForEach(row, rows) {
        slower += strcmp(bench_text_of(row, "verdict"), "slower") == 0 ? 1 : 0;
    }
    const char *broken =
        slower == (int)bench_number_of(result, "slower") ? NULL : "history: rows are not as counted";
    if (!broken && before == now && slower)
        broken = "history: a run is slower than itself";
    cJSON_Delete(result);
    return broken;
}

static const char *runs_broken(const cJSON *runs) {
    int count = cJSON_GetArraySize(runs);
    const cJSON *first = cJSON_GetArrayItem(runs, 0), *last = cJSON_GetArrayItem(runs, count - 1);
    const cJSON *like = bench_history_last(runs, first);
    if (!like)
        return "history: a run is not like itself";
    const char *broken = compare_broken(first, last);
    return broken ? broken : compare_broken(like, like);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > MOST_BYTES)
        return 0;
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    fuzz_say_start();
    cJSON *runs = bench_history_parse("bytes", text);
    free(text); /* runs do not need it */
    fuzz_judge(fuzz_say_broken(runs != NULL));
    fuzz_judge(runs ? runs_broken(runs) : NULL);
    cJSON_Delete(runs);
    return 0;
}
