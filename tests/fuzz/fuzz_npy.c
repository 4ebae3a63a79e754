/* SPDX-License-Identifier: MIT
 *
 * Heads of .npy files: what is read is what follows in the file, and a head made of it is read as the same.
 *
 * The first byte chooses: the rest is a whole file, or the dict of a head that is made around it.
 */
#include "fuzz_input.h"

#include "npy_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *read_again(const npy_array *array) {
    char head[NPY_HEADER_MAX], reason[NPY_REASON] = "";
    npy_array again;
    size_t size = npy_header_make(array, head);
    uint64_t file = size + (uint64_t)array->bytes;
    if (size > sizeof head || size % 64 != 0)
        return "npy: a head that was made is too long, or its data are not aligned";
    if (npy_header_size(head, size < NPY_START ? size : NPY_START, file, reason) != size ||
        !npy_header_read(head, size, file, &again, reason))
        return "npy: a head that was made is refused";
    bool same = again.dtype == array->dtype && again.rank == array->rank && again.bytes == array->bytes &&
                memcmp(again.shape, array->shape, array->rank * sizeof array->shape[0]) == 0;
    return same ? NULL : "npy: a head that was made is read as another one";
}

/* From memory of the file's exact size. `more` bytes of data are in the file and not in memory. */
static const char *try_file(const uint8_t *file, size_t size, uint64_t more) {
    char reason[NPY_REASON] = "";
    npy_array array = {0};
    uint64_t head = npy_header_size(file, size < NPY_START ? size : NPY_START, size + more, reason);
    if (head == 0)
        return reason[0] ? NULL : "npy: refused without a reason";
    if (head > size + more)
        return "npy: a head is longer than its file";
    if (head > size)
        return NULL;
    char *exact = malloc((size_t)head);
    if (!exact)
        abort();
    memcpy(exact, file, (size_t)head);
    bool read = npy_header_read(exact, (size_t)head, size + more, &array, reason);
    free(exact);
    if (!read)
        return reason[0] ? NULL : "npy: refused without a reason";
    if (array.rank > NPY_MAX_RANK || head + array.bytes != size + more)
        return "npy: what was read is not what the file has";
    uint64_t bytes = npy_dtype_size(array.dtype);
    for (uint32_t i = 0; i < array.rank; ++i)
        bytes *= array.shape[i];
    return bytes == array.bytes ? read_again(&array) : "npy: bytes are not those of the shape";
}

/* `more` is what the head asks for, so that some are whole. */
static const char *try_dict(const uint8_t *dict, size_t size) {
    char reason[NPY_REASON] = "";
    unsigned long long wanted = 0;
    npy_array array;
    uint8_t *file = malloc(10 + size);
    if (!file)
        abort();
    memcpy(file, "\x93NUMPY\x01", 8);
    file[8] = (uint8_t)size;
    file[9] = (uint8_t)(size >> 8);
    memcpy(file + 10, dict, size);
    if (!npy_header_read(file, 10 + size, 10 + size, &array, reason)) {
        const char *told = strstr(reason, "needs ");
        if (told)
            sscanf(told, "needs %llu", &wanted);
    }
    const char *broken = try_file(file, 10 + size, wanted);
    free(file);
    return broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 4096)
        return 0;
    fuzz_judge(data[0] & 1 ? try_dict(data + 1, size - 1) : try_file(data + 1, size - 1, data[0] >> 1));
    return 0;
}
