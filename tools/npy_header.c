/* SPDX-License-Identifier: MIT */
#include "npy_header.h"

#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* What is not read yet. There is no character behind the end, and none in it is trusted to be there. */
typedef struct header {
    const char *cursor, *end;
    bool has_descr, has_order, has_shape;
    char descr[32];
    bool fortran;
    uint32_t rank;
    uint64_t shape[NPY_MAX_RANK];
} header;

/* '\0' at the end, which is nothing that a header has. */
static char next(const header *h) {
    return h->cursor < h->end ? *h->cursor : '\0';
}

static void skip_blanks(header *h) {
    while (next(h) == ' ' || next(h) == '\t' || next(h) == '\n')
        ++h->cursor;
}

static bool take(header *h, char wanted) {
    skip_blanks(h);
    if (next(h) != wanted)
        return false;
    ++h->cursor;
    return true;
}

static bool take_word(header *h, const char *word) {
    size_t length = strlen(word);
    skip_blanks(h);
    if ((size_t)(h->end - h->cursor) < length || memcmp(h->cursor, word, length) != 0)
        return false;
    h->cursor += length;
    return true;
}

static bool take_string(header *h, char *out, size_t out_size) {
    skip_blanks(h);
    char quote = next(h);
    if (quote != '\'' && quote != '"')
        return false;
    const char *first = h->cursor + 1;
    const char *end = memchr(first, quote, (size_t)(h->end - first));
    if (end == NULL || (size_t)(end - first) >= out_size)
        return false;
    size_t length = (size_t)(end - first);
    memcpy(out, first, length);
    out[length] = '\0';
    h->cursor = end + 1;
    return true;
}

static bool take_number(header *h, uint64_t *out) {
    *out = 0;
    bool some = false;
    for (char c = next(h); c >= '0' && c <= '9'; c = next(h)) {
        uint64_t digit = (uint64_t)(c - '0');
        if (*out > (UINT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
        ++h->cursor;
        some = true;
    }
    return some;
}

static bool take_shape(header *h) {
    h->rank = 0; /* of a key that stands there twice, the last counts, as for Python */
    if (!take(h, '('))
        return false;
    while (!take(h, ')')) {
        if (h->rank == NPY_MAX_RANK || !take_number(h, &h->shape[h->rank++]))
            return false;
        skip_blanks(h);
        if (!take(h, ',') && next(h) != ')')
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
            return fault(reason, next(h) == '[' ? "structured dtype; plain numbers are read"
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

static bool parse_header(const char *text, size_t length, header *h, char reason[NPY_REASON]) {
    *h = (header){.cursor = text, .end = text + length};
    if (!take(h, '{'))
        return fault(reason, "broken npy header");
    while (!take(h, '}')) {
        if (!take_entry(h, reason))
            return false;
        skip_blanks(h);
        if (!take(h, ',') && next(h) != '}')
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

/* ---- The whole head: magic, version, length, dict ---- */

static size_t length_bytes(const unsigned char *start) {
    return start[6] == 1 ? 2 : 4;
}

uint64_t npy_header_size(const void *start, size_t size, uint64_t file_size, char reason[NPY_REASON]) {
    const unsigned char *bytes = start;
    if (size < 8 || memcmp(bytes, magic, sizeof magic) != 0)
        return fault(reason, "not an npy file");
    if (bytes[6] < 1 || bytes[6] > 3)
        return fault(reason, "npy version %d.%d is not known", bytes[6], bytes[7]);
    const size_t before = 8 + length_bytes(bytes);
    if (size < before)
        return fault(reason, "truncated in its header");
    uint64_t length = 0;
    for (size_t i = 8; i < before; ++i)
        length |= (uint64_t)bytes[i] << 8 * (i - 8);
    if (file_size < before || length > file_size - before)
        return fault(reason, "truncated in its header");
    return before + length;
}

bool npy_header_read(const void *head, size_t size, uint64_t file_size, npy_array *out,
                     char reason[NPY_REASON]) {
    const size_t before = 8 + length_bytes(head);
    header h;
    memset(out, 0, sizeof *out);
    if (!parse_header((const char *)head + before, size - before, &h, reason) ||
        !header_to_array(&h, out, reason))
        return false;
    const uint64_t rest = file_size - size;
    if (rest == out->bytes)
        return true;
    char shape[128];
    npy_shape_text(out, shape, sizeof shape);
    return fault(reason, "%s: shape %s needs %llu bytes of data, the file has %llu",
                 rest < out->bytes ? "truncated" : "too long", shape, (unsigned long long)out->bytes,
                 (unsigned long long)rest);
}

size_t npy_header_make(const npy_array *array, char out[NPY_HEADER_MAX]) {
    char dict[NPY_HEADER_MAX - 64]; /* eight numbers of twenty digits, and what stands around them */
    size_t used = (size_t)snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                                   npy_dtype_name(array->dtype));
    for (uint32_t i = 0; i < array->rank; ++i)
        used +=
            (size_t)snprintf(dict + used, sizeof dict - used, "%llu,", (unsigned long long)array->shape[i]);
    used += (size_t)snprintf(dict + used, sizeof dict - used, "), }");
    size_t total = (10 + used + 1 + 63) / 64 * 64;
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
