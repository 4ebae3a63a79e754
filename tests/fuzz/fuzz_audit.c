/* SPDX-License-Identifier: MIT
 *
 * Tables of vatten_audit, as bytes and behind a first line that is right: what is taken is written and read again as the same,
 * what is refused is told once and leaves nothing.
 */
#include "audit_csv.h"
#include "fuzz_input.h"
#include "fuzz_say.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 4096 };

static FILE *open_bytes(void *bytes, size_t size) {
    FILE *file = fmemopen(bytes, size, "r");
    if (!file)
        abort();
    return file;
}

static bool read_bytes(void *bytes, size_t size, audit_table *table) {
    FILE *file = open_bytes(bytes, size);
    bool good = audit_csv_read_from(file, "bytes", table);
    fclose(file);
    return good;
}

/* malloc'ed. */
static char *write_table(const audit_table *table, size_t *size) {
    char *text = NULL;
    FILE *file = open_memstream(&text, size);
    if (!file)
        abort();
    audit_csv_header(file);
    for (size_t i = 0; i < table->count; ++i)
        audit_csv_row(file, &table->rows[i]);
    fclose(file);
    return text;
}

static const char *round_broken(const audit_table *table) {
    size_t size = 0, size_again = 0;
    audit_table again;
    char *text = write_table(table, &size), *text_again = NULL;
    const char *broken = read_bytes(text, size, &again) ? NULL : "audit: what was written is refused";
    if (!broken) {
        text_again = write_table(&again, &size_again);
        if (size != size_again || memcmp(text, text_again, size) != 0)
            broken = "audit: what was written is read as something else";
    }
    audit_table_free(&again);
    free(text);
    free(text_again);
    return broken;
}

static const char *try_bytes(void *bytes, size_t size) {
    audit_table table;
    fuzz_say_start();
    bool good = read_bytes(bytes, size, &table);
    const char *broken = fuzz_say_broken(good);
    if (!broken && !good && (table.rows || table.count))
        broken = "audit: a table was refused, and is there";
    if (!broken && good)
        broken = round_broken(&table);
    audit_table_free(&table);
    return broken;
}

/* The writer's own first line before the bytes. */
static const char *try_rows(const uint8_t *data, size_t size) {
    const audit_table none = {0};
    size_t head = 0;
    char *text = write_table(&none, &head);
    char *file = realloc(text, head + size);
    if (!file)
        abort();
    memcpy(file + head, data, size);
    const char *broken = try_bytes(file, head + size);
    free(file);
    return broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char bytes[MOST_BYTES];
    if (size < 2 || size > MOST_BYTES)
        return 0;
    memcpy(bytes, data + 1, size - 1);
    fuzz_judge(data[0] & 7 ? try_rows(data + 1, size - 1) : try_bytes(bytes, size - 1));
    return 0;
}
