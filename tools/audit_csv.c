/* SPDX-License-Identifier: MIT */
#include "audit_csv.h"

#include "family.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char header[] =
    "device,driver,kernel,problem,dim,value_dim,layout,workgroup,rows,keys,lanes_per_row,"
    "shared_bytes,subgroup_size,status,registers,occupancy,spills,scratch,instructions,"
    "cycles,statistics,reason";

/* ---- Writing ---- */

static void put_text(FILE *file, const char *text, char end) {
    fputc('"', file);
    for (; *text != '\0'; ++text) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
    fputc(end, file);
}

/* Names of kernels and problems need no quotes, but a table that was read may hold any. */
static void put_name(FILE *file, const char *text) {
    if (strpbrk(text, ",\""))
        put_text(file, text, ',');
    else
        fprintf(file, "%s,", text);
}

void audit_csv_header(FILE *file) {
    fprintf(file, "%s\n", header);
}

void audit_csv_row(FILE *file, const audit_row *row) {
    const vatten_tile *tile = &row->tile;
    put_text(file, row->device, ',');
    put_text(file, row->driver, ',');
    put_name(file, row->kernel);
    put_name(file, row->problem);
    fprintf(file, "%u,%u,%s,%u,%u,%u,%u,%u,%u,%s,", row->dim, row->value_dim,
            family_layout_name(tile->layout), tile->workgroup, tile->rows, tile->keys, tile->lanes_per_row,
            row->shared_bytes, row->subgroup_size, audit_status_name(row->status));
    for (int i = 0; i < AUDIT_FIGURES; ++i) {
        if (row->figures[i] != AUDIT_UNKNOWN)
            fprintf(file, "%.9g", row->figures[i]);
        fputc(',', file);
    }
    put_text(file, row->raw, ',');
    put_text(file, row->reason, '\n');
}

/* ---- Tables ---- */

bool audit_table_add(audit_table *table, const audit_row *row) {
    size_t count = table->count;
    if ((count & (count + 1)) == 0) { /* room for a power of two less one is full: double it */
        audit_row *rows = realloc(table->rows, (2 * count + 1) * sizeof *rows);
        if (!rows) {
            say_error("out of memory after %zu rows", count);
            return false;
        }
        table->rows = rows;
    }
    table->rows[table->count++] = *row;
    return true;
}

void audit_table_free(audit_table *table) {
    free(table->rows);
    *table = (audit_table){0};
}

/* ---- Reading ---- */

/* Splits a line in place; the fields point into it. Returns how many there are, at most `room` of them kept. */
static size_t split(char *line, char **fields, size_t room) {
    size_t count = 0;
    char *at = line;
    for (;;) {
        bool quoted = *at == '"';
        char *to = at;
        if (quoted)
            ++at;
        if (count < room)
            fields[count] = to;
        ++count;
        while (*at != '\0' && (quoted || *at != ',')) {
            if (quoted && *at == '"') {
                if (at[1] != '"') {
                    ++at;
                    quoted = false;
                    continue;
                }
                ++at;
            }
            *to++ = *at++;
        }
        bool last = *at == '\0';
        *to = '\0';
        if (last)
            return count;
        ++at;
    }
}

static bool read_u32(const char *text, uint32_t *out) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *out = (uint32_t)value;
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && value <= UINT32_MAX;
}

static bool read_figure(const char *text, double *out) {
    char *end;
    *out = *text ? strtod(text, &end) : AUDIT_UNKNOWN;
    return *text == '\0' || (*end == '\0' && *out >= 0);
}

static bool read_status(const char *text, audit_status *out) {
    for (int i = AUDIT_COMPILED; i <= AUDIT_FAILED; ++i)
        if (strcmp(text, audit_status_name((audit_status)i)) == 0) {
            *out = (audit_status)i;
            return true;
        }
    return false;
}

static bool read_layout(const char *text, vatten_layout *out) {
    *out = VATTEN_LAYOUT_AUTO;
    while (strcmp(family_layout_name(*out), "?") != 0) {
        if (strcmp(text, family_layout_name(*out)) == 0)
            return true;
        *out = (vatten_layout)(*out + 1);
    }
    return false;
}

static void keep(char *out, size_t out_size, const char *text) {
    snprintf(out, out_size, "%.*s", (int)out_size - 1, text);
}

static bool read_row(char *line, audit_row *row) {
    enum { FIRST_FIGURE = 14, FIELDS = FIRST_FIGURE + AUDIT_FIGURES + 2 };
    char *field[FIELDS];
    memset(row, 0, sizeof *row);
    if (split(line, field, FIELDS) != FIELDS)
        return false;
    keep(row->device, sizeof row->device, field[0]);
    keep(row->driver, sizeof row->driver, field[1]);
    keep(row->kernel, sizeof row->kernel, field[2]);
    keep(row->problem, sizeof row->problem, field[3]);
    uint32_t *numbers[] = {&row->dim,
                           &row->value_dim,
                           NULL,
                           &row->tile.workgroup,
                           &row->tile.rows,
                           &row->tile.keys,
                           &row->tile.lanes_per_row,
                           &row->shared_bytes,
                           &row->subgroup_size};
    bool good = read_layout(field[6], &row->tile.layout) && read_status(field[13], &row->status);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i)
        good = good && (!numbers[i] || read_u32(field[4 + i], numbers[i]));
    for (size_t i = 0; i < AUDIT_FIGURES; ++i)
        good = good && read_figure(field[FIRST_FIGURE + i], &row->figures[i]);
    keep(row->raw, sizeof row->raw, field[FIRST_FIGURE + AUDIT_FIGURES]);
    keep(row->reason, sizeof row->reason, field[FIRST_FIGURE + AUDIT_FIGURES + 1]);
    return good;
}

static bool read_lines(FILE *file, const char *path, audit_table *table) {
    char *line = NULL;
    size_t room = 0;
    size_t number = 0;
    bool good = true;
    while (good && getline(&line, &room, file) >= 0) {
        audit_row row;
        line[strcspn(line, "\r\n")] = '\0';
        ++number;
        bool fits = number == 1 ? strcmp(line, header) == 0 : read_row(line, &row);
        if (!fits)
            say_error("%s: line %zu is not of an audit table of this version", path, number);
        good = fits && (number == 1 || audit_table_add(table, &row));
    }
    free(line);
    if (good && number == 0)
        say_error("%s: is empty", path);
    if (good && ferror(file))
        say_error("%s: %s", path, strerror(errno));
    return good && number > 0 && !ferror(file);
}

bool audit_csv_read_from(FILE *file, const char *path, audit_table *table) {
    *table = (audit_table){0};
    bool good = read_lines(file, path, table);
    if (!good)
        audit_table_free(table);
    return good;
}

bool audit_csv_read(const char *path, audit_table *table) {
    *table = (audit_table){0};
    FILE *file = fopen(path, "r");
    if (!file) {
        say_error("%s: %s", path, strerror(errno));
        return false;
    }
    bool good = audit_csv_read_from(file, path, table);
    fclose(file);
    return good;
}
