/* SPDX-License-Identifier: MIT
 *
 * Tuning files from raw bytes, and from bytes that choose words, since hardly any random text has a valid line: a check and a
 * device read the same, and whatever stands there, the tile is one that fits.
 *
 * The first bytes are a device and a problem, the rest is the file.
 */
#include "fuzz_input.h"
#include "program_random.h"
#include "tune_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TEXT = 8192, MOST_ROWS = 256, PROBLEM_BYTES = 96 };

static const char *const words[] = {
    "vatten-tuning 1\n",
    "end\n",
    "device ",
    "vendor=0x10de ",
    "version=0 ",
    "name=\"Desktop\" ",
    "\n",
    "row ",
    "layout=rows ",
    "layout=subgroup ",
    "layout=shared ",
    "layout=matrix ",
    "layout=stream ",
    "tile=",
    "8,32,2,1 ",
    "64,32,16,4 ",
    "32,4,32,32 ",
    "4096,1024,1024,4096 ",
    "when=asked ",
    "task=",
    "attention",
    "mass,lists",
    "neighborhood ",
    "dtype=",
    "f32",
    ",",
    "f16",
    "dim=",
    "rows=",
    "percent=",
    "1",
    "..",
    "64",
    "576",
    "99999999999",
    "0x",
    "-",
    "=",
    "\"",
    "#",
    " ",
    "\r\n",
    "# why\n",
    "\xe2\x82\xac",
    /* whole lines, so that some files are good */
    "device driver=0\n",
    "row layout=shared tile=64,32,16,4 # a\n",
    "row layout=rows tile=8,32,2,1 dim=1..64\n",
    "row layout=subgroup tile=64,16,16,8 rows=17.. percent=90 # b\n",
};

static size_t word_text(const uint8_t *data, size_t size, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < size; ++i) {
        const char *word = words[data[i] % (sizeof words / sizeof words[0])];
        size_t length = strlen(word);
        if (used + length + 5 > MOST_TEXT)
            break;
        memcpy(out + used, word, length);
        used += length;
    }
    if (size && data[size - 1] & 128) { /* else hardly any has one */
        memcpy(out + used, "\nend\n", 5);
        used += 5;
    }
    return used;
}

/* Reads the bytes as a device does, from memory of their exact size. */
static const char *read_rows(const vt_caps *caps, const char *text, size_t size, vt_tuning *out) {
    vt_tuning counted = {0};
    vatten_result result = vt_tune_file_read(caps, NULL, text, size, &counted);
    out->count = 0;
    if (vatten_tuning_check(NULL, text, size) != result && counted.count < VT_TUNING_MOST_ROWS)
        return "tuning: a check and a device do not agree";
    if (result != VATTEN_SUCCESS || counted.count == 0 || counted.count > MOST_ROWS)
        return NULL;
    out->words = malloc(counted.words_size);
    out->rows = malloc(counted.count * sizeof *out->rows);
    if (!out->words || !out->rows)
        abort();
    if (vt_tune_file_read(caps, NULL, text, size, out) != VATTEN_SUCCESS || out->count != counted.count ||
        out->words_size != counted.words_size)
        return "tuning: the second reading is another one";
    return NULL;
}

/* Whatever a file says, the tile is one that fits. */
static const char *try_rows(const vt_caps *caps, const vt_problem *problem, const vt_tuning *tuning) {
    vt_caps tuned = *caps;
    uint32_t row = 0;
    vt_tile tile;
    tuned.tuned = tuning->rows;
    tuned.tuned_count = tuning->count;
    for (uint32_t i = 0; i < tuning->count; ++i)
        if (!tuning->rows[i].reason || strlen(tuning->rows[i].reason) >= VT_REASON_BYTES)
            return "tuning: a row's reason is missing or too long";
    if (!problem || vt_tune(&tuned, NULL, problem, &row, &tile) != VATTEN_SUCCESS)
        return NULL;
    vt_tile again = tile;
    return vt_tile_complete(&tuned, problem, &again) ? "tuning: a tile that does not fit" : NULL;
}

static const char *try_text(const vt_caps *caps, const vt_problem *problem, const char *text, size_t size) {
    char *exact = malloc(size ? size : 1);
    vt_tuning tuning = {0};
    if (!exact)
        abort();
    memcpy(exact, text, size);
    const char *broken = read_rows(caps, exact, size, &tuning);
    free(exact); /* rows and reasons do not need it */
    if (!broken && tuning.count)
        broken = try_rows(caps, problem, &tuning);
    free(tuning.rows);
    free(tuning.words);
    return broken;
}

/* The words behind a head, and with `device` behind a line for the device too. */
static const char *try_words(const vt_caps *caps, const vt_problem *problem, const uint8_t *data, size_t size,
                             bool device) {
    static char text[2 * MOST_TEXT];
    int head =
        device ? snprintf(text, sizeof text, "%sdevice driver=%u\n", words[0], (unsigned)caps->driver_id) : 0;
    return try_text(caps, problem, text, (size_t)head + word_text(data, size, text + head));
}

static const char *try_file(const vt_caps *caps, const vt_problem *problem, const uint8_t *data,
                            size_t size) {
    static char text[MOST_TEXT];
    const size_t head = strlen(words[0]);
    const size_t more = size < MOST_TEXT - head ? size : MOST_TEXT - head;
    memcpy(text, words[0], head);
    memcpy(text + head, data, more);
    const char *broken = try_text(caps, problem, (const char *)data, size);
    if (!broken)
        broken = try_text(caps, problem, text, head + more);
    if (!broken)
        broken = try_words(caps, problem, data, size, false);
    return broken ? broken : try_words(caps, problem, data, size, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static program_case c;
    if (size <= PROBLEM_BYTES)
        return 0;
    unit_random random = {.bytes = data, .left = PROBLEM_BYTES};
    bool good = program_random(&random, PROGRAM_LARGE, NULL, &c) == VATTEN_SUCCESS;
    fuzz_judge(try_file(&c.caps, good ? &c.problem : NULL, data + PROBLEM_BYTES, size - PROBLEM_BYTES));
    return 0;
}
