/* SPDX-License-Identifier: MIT */
#include "npy.h"

#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};
static const char *const dtype_names[] = {"<f4", "<f2", "<u2", "<u4"};

const char *npy_dtype_name(npy_dtype dtype) {
    return dtype_names[dtype];
}

size_t npy_dtype_size(npy_dtype dtype) {
    return dtype == NPY_F32 || dtype == NPY_U32 ? 4 : 2;
}

void npy_shape_text(const npy_array *array, char *out, size_t out_size) {
    size_t used = (size_t)snprintf(out, out_size, "[");
    for (uint32_t i = 0; i < array->rank && used < out_size; ++i)
        used += (size_t)snprintf(out + used, out_size - used, i == 0 ? "%llu" : ", %llu",
                                 (unsigned long long)array->shape[i]);
    if (used < out_size)
        snprintf(out + used, out_size - used, "]");
}

SAY_FORMAT(2, 3) static bool fault(char reason[NPY_REASON], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, NPY_REASON, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- The header: a Python dict literal with the keys descr, fortran_order and shape ---- */

typedef struct header {
    const char *cursor;
    bool has_descr, has_order, has_shape;
    char descr[32];
    bool fortran;
    uint32_t rank;
    uint64_t shape[NPY_MAX_RANK];
} header;

static void skip_blanks(header *h) {
    h->cursor += strspn(h->cursor, " \t\n");
}

static bool take(header *h, char wanted) {
    skip_blanks(h);
    if (*h->cursor != wanted)
        return false;
    ++h->cursor;
    return true;
}

static bool take_word(header *h, const char *word) {
    size_t length = strlen(word);
    skip_blanks(h);
    if (strncmp(h->cursor, word, length) != 0)
        return false;
    h->cursor += length;
    return true;
}

static bool take_string(header *h, char *out, size_t out_size) {
    skip_blanks(h);
    char quote = *h->cursor;
    if (quote != '\'' && quote != '"')
        return false;
    const char *end = strchr(h->cursor + 1, quote);
    if (end == NULL || (size_t)(end - h->cursor) > out_size)
        return false;
    size_t length = (size_t)(end - h->cursor) - 1;
    memcpy(out, h->cursor + 1, length);
    out[length] = '\0';
    h->cursor = end + 1;
    return true;
}

static bool take_shape(header *h) {
    if (!take(h, '('))
        return false;
    while (!take(h, ')')) {
        skip_blanks(h);
        if (h->rank == NPY_MAX_RANK || *h->cursor < '0' || *h->cursor > '9')
            return false;
        char *end = NULL;
        errno = 0;
        h->shape[h->rank++] = strtoull(h->cursor, &end, 10);
        h->cursor = end;
        if (errno != 0)
            return false;
        skip_blanks(h);
        if (!take(h, ',') && *h->cursor != ')')
            return false;
    }
    return true;
}

static bool take_entry(header *h, char reason[NPY_REASON]) {
    char key[32];
    if (!take_string(h, key, sizeof key) || !take(h, ':'))
        return fault(reason, "broken npy header");
    if (strcmp(key, "descr") == 0) {
        h->has_descr = take_string(h, h->descr, sizeof h->descr);
        if (!h->has_descr)
            return fault(reason, *h->cursor == '[' ? "structured dtype; plain numbers are read"
                                                   : "broken npy header: descr");
        return true;
    }
    if (strcmp(key, "fortran_order") == 0) {
        h->fortran = take_word(h, "True");
        h->has_order = h->fortran || take_word(h, "False");
        return h->has_order || fault(reason, "broken npy header: fortran_order");
    }
    if (strcmp(key, "shape") == 0) {
        h->has_shape = take_shape(h);
        return h->has_shape || fault(reason, "broken npy header: shape (at most %d axes)", NPY_MAX_RANK);
    }
    return fault(reason, "broken npy header: key '%s'", key);
}

static bool parse_header(const char *text, header *h, char reason[NPY_REASON]) {
    memset(h, 0, sizeof *h);
    h->cursor = text;
    if (!take(h, '{'))
        return fault(reason, "broken npy header");
    while (!take(h, '}')) {
        if (!take_entry(h, reason))
            return false;
        skip_blanks(h);
        if (!take(h, ',') && *h->cursor != '}')
            return fault(reason, "broken npy header");
    }
    if (!h->has_descr || !h->has_order || !h->has_shape)
        return fault(reason, "broken npy header: descr, fortran_order or shape is missing");
    return true;
}

static bool header_to_array(const header *h, npy_array *array, char reason[NPY_REASON]) {
    if (h->fortran)
        return fault(reason, "Fortran order; only C order is read");
    const size_t dtypes = sizeof dtype_names / sizeof *dtype_names;
    size_t dtype = 0;
    while (dtype < dtypes && strcmp(h->descr, dtype_names[dtype]) != 0)
        ++dtype;
    if (dtype == dtypes)
        return fault(reason, "dtype '%s' is not one of '<f4', '<f2', '<u2' and '<u4'", h->descr);
    array->dtype = (npy_dtype)dtype;
    array->rank = h->rank;
    memcpy(array->shape, h->shape, sizeof array->shape);
    uint64_t bytes = npy_dtype_size(array->dtype);
    for (uint32_t i = 0; i < h->rank; ++i) {
        if (h->shape[i] != 0 && bytes > (uint64_t)PTRDIFF_MAX / h->shape[i])
            return fault(reason, "the shape overflows");
        bytes *= h->shape[i];
    }
    array->bytes = (size_t)bytes;
    return true;
}

/* ---- Reading ---- */

/* Reads magic, version and header text; leaves the file at its data. */
static bool read_header(FILE *file, uint64_t file_size, npy_array *array, char reason[NPY_REASON]) {
    unsigned char start[12] = {0};
    if (fread(start, 1, 8, file) != 8 || memcmp(start, magic, sizeof magic) != 0)
        return fault(reason, "not an npy file");
    if (start[6] < 1 || start[6] > 3)
        return fault(reason, "npy version %d.%d is not known", start[6], start[7]);
    size_t length_bytes = start[6] == 1 ? 2 : 4;
    if (fread(start + 8, 1, length_bytes, file) != length_bytes)
        return fault(reason, "truncated in its header");
    uint64_t length =
        (uint64_t)start[8] | (uint64_t)start[9] << 8 | (uint64_t)start[10] << 16 | (uint64_t)start[11] << 24;
    if (length > file_size - 8 - length_bytes)
        return fault(reason, "truncated in its header");
    char *text = malloc((size_t)length + 1);
    if (text == NULL)
        return fault(reason, "out of memory");
    header h;
    bool ok = fread(text, 1, (size_t)length, file) == length ||
              fault(reason, "cannot be read: %s", strerror(errno));
    text[ok ? (size_t)length : 0] = '\0';
    ok = ok && parse_header(text, &h, reason) && header_to_array(&h, array, reason);
    free(text);
    if (!ok)
        return false;
    uint64_t rest = file_size - 8 - length_bytes - length;
    char shape[128];
    npy_shape_text(array, shape, sizeof shape);
    if (rest != array->bytes)
        return fault(reason, "%s: shape %s needs %llu bytes of data, the file has %llu",
                     rest < array->bytes ? "truncated" : "too long", shape, (unsigned long long)array->bytes,
                     (unsigned long long)rest);
    return true;
}

static bool read_open_file(FILE *file, npy_array *array, char reason[NPY_REASON]) {
    struct stat status;
    if (fstat(fileno(file), &status) != 0)
        return fault(reason, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(status.st_mode)) /* the size must be known before memory is asked for */
        return fault(reason, "not a regular file");
    if (!read_header(file, (uint64_t)status.st_size, array, reason))
        return false;
    array->data = malloc(array->bytes + 1); /* + 1: an empty array still gets a pointer */
    if (array->data == NULL)
        return fault(reason, "out of memory: %llu bytes", (unsigned long long)array->bytes);
    if (fread(array->data, 1, array->bytes, file) != array->bytes)
        return fault(reason, "cannot be read: %s", strerror(errno));
    return true;
}

bool npy_read(const char *path, npy_array *out_array, char reason[NPY_REASON]) {
    memset(out_array, 0, sizeof *out_array);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return fault(reason, "cannot be opened: %s", strerror(errno));
    bool ok = read_open_file(file, out_array, reason);
    fclose(file);
    if (!ok)
        npy_free(out_array);
    return ok;
}

void npy_free(npy_array *array) {
    free(array->data);
    memset(array, 0, sizeof *array);
}

/* ---- Writing ---- */

/* A version 1.0 header, padded so that the data starts at a multiple of 64. Returns its length. */
static size_t make_header(const npy_array *array, char *out, size_t out_size) {
    char dict[256];
    size_t used = (size_t)snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                                   npy_dtype_name(array->dtype));
    for (uint32_t i = 0; i < array->rank; ++i)
        used +=
            (size_t)snprintf(dict + used, sizeof dict - used, "%llu,", (unsigned long long)array->shape[i]);
    used += (size_t)snprintf(dict + used, sizeof dict - used, "), }");
    size_t total = (10 + used + 1 + 63) / 64 * 64;
    if (total > out_size)
        return 0;
    memset(out, ' ', total);
    memcpy(out, magic, sizeof magic);
    out[6] = 1;
    out[7] = 0;
    out[8] = (char)((total - 10) & 0xff);
    out[9] = (char)((total - 10) >> 8);
    memcpy(out + 10, dict, used);
    out[total - 1] = '\n';
    return total;
}

static bool write_all(FILE *file, const npy_array *array) {
    char head[320];
    size_t length = make_header(array, head, sizeof head);
    return length != 0 && fwrite(head, 1, length, file) == length &&
           fwrite(array->data, 1, array->bytes, file) == array->bytes;
}

bool npy_stage(const char *path, const npy_array *array, char **out_temporary, char reason[NPY_REASON]) {
    FILE *file = staged_open(path, out_temporary, reason);
    return file != NULL && staged_close(file, write_all(file, array), out_temporary, reason);
}
