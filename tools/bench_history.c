/* SPDX-License-Identifier: MIT */
#include "bench_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

/* ---- Writing ---- */

/* A line that a crash cut off stays a line of its own. */
static bool ends_within_line(const char *path) {
    FILE *file = fopen(path, "rb");
    bool within = file != NULL && fseek(file, -1, SEEK_END) == 0 && fgetc(file) != '\n';
    if (file != NULL)
        fclose(file);
    return within;
}

static bool append_text(const char *path, const char *text) {
    bool within = ends_within_line(path);
    FILE *file = fopen(path, "ab");
    if (file == NULL)
        return false;
    bool written = fprintf(file, "%s%s\n", within ? "\n" : "", text) > 0;
    return fclose(file) == 0 && written;
}

bool bench_history_append(const char *path, const cJSON *document) {
    char *text = cJSON_PrintUnformatted(document);
    bool appended = text != NULL && append_text(path, text);
    if (!appended)
        say_error("%s cannot be written", path);
    cJSON_free(text);
    return appended;
}

/* ---- Reading ---- */

/* The whole file, ended by a zero; NULL when it cannot be read. */
static char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (size >= 0 && size < (1l << 30) && fseek(file, 0, SEEK_SET) == 0)
        text = malloc((size_t)size + 1);
    if (text != NULL)
        text[fread(text, 1, (size_t)size, file)] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static bool is_run(const cJSON *run) {
    return cJSON_IsString(cJSON_GetObjectItem(run, "device")) &&
           cJSON_IsArray(cJSON_GetObjectItem(run, "rows"));
}

/* Takes what was parsed. */
static bool keep_run(cJSON *runs, cJSON *parsed) {
    if (is_run(parsed))
        return cJSON_AddItemToArray(runs, parsed);
    cJSON_Delete(parsed);
    return false;
}

static void keep_lines(const char *path, char *text, cJSON *runs) {
    int number = 0;
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        ++number;
        bool blank = line[strspn(line, " \t\r")] == '\0';
        if (!blank && !keep_run(runs, cJSON_ParseWithOpts(line, NULL, 1)))
            say_note("warning: %s:%d: no run, the line is left out", path, number);
    }
}

cJSON *bench_history_parse(const char *path, char *text) {
    cJSON *runs = cJSON_CreateArray();
    if (!keep_run(runs, cJSON_ParseWithOpts(text, NULL, 1))) /* one document, on one line or many */
        keep_lines(path, text, runs);
    if (cJSON_GetArraySize(runs) != 0)
        return runs;
    say_error("%s has no run", path);
    cJSON_Delete(runs);
    return NULL;
}

cJSON *bench_history_load(const char *path) {
    char *text = read_text(path);
    cJSON *runs = text != NULL ? bench_history_parse(path, text) : NULL;
    if (text == NULL)
        say_error("%s cannot be read", path);
    free(text);
    return runs;
}

static bool same_text(const cJSON *a, const cJSON *b, const char *name) {
    const char *x = cJSON_GetStringValue(cJSON_GetObjectItem(a, name));
    const char *y = cJSON_GetStringValue(cJSON_GetObjectItem(b, name));
    return strcmp(x != NULL ? x : "", y != NULL ? y : "") == 0;
}

const cJSON *bench_history_last(const cJSON *runs, const cJSON *like) {
    const cJSON *run, *last = NULL;
    cJSON_ArrayForEach(run, runs) {
        if (same_text(run, like, "device") && same_text(run, like, "suite"))
            last = run;
    }
    return last;
}
