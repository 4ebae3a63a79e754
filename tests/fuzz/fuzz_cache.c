/* SPDX-License-Identifier: MIT
 *
 * Files of pipelines: as they are, and behind a head that was made for them, whose checksum no fuzzer would guess. What is accepted is the
 * file's own data, of the device that asks; and no byte of it can be another one.
 */
#include "fuzz_input.h"

#include <vatten/pipeline_file.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1024 };

static const char *open_file(const uint8_t *file, size_t size, const vatten_pipeline_owner *owner,
                             bool *out_accepted) {
    size_t data_size = SIZE_MAX;
    const char *why = "";
    const uint8_t *data = vatten_pipeline_file_open(file, size, owner, &data_size, &why);
    *out_accepted = data != NULL;
    if (!data)
        return data_size == 0 && why && why[0] ? NULL : "cache: refused without a reason, or with a size";
    if (why)
        return "cache: accepted, with a reason not to";
    if (data != file + VATTEN_PIPELINE_FILE_HEAD || data_size != size - VATTEN_PIPELINE_FILE_HEAD)
        return "cache: the data are not those of the file";
    return data_size >= 16 + sizeof owner->uuid && memcmp(data + 8, &owner->vendor_id, 4) == 0 &&
                   memcmp(data + 12, &owner->device_id, 4) == 0 &&
                   memcmp(data + 16, owner->uuid, sizeof owner->uuid) == 0
               ? NULL
               : "cache: accepted for another device";
}

/* One byte is another: `at` any place, `with` any bits but none. */
static const char *open_damaged(uint8_t *file, size_t size, const vatten_pipeline_owner *owner, size_t at,
                                uint8_t with) {
    bool accepted;
    file[at % size] ^= with ? with : 1;
    const char *broken = open_file(file, size, owner, &accepted);
    return broken ? broken : accepted ? "cache: a damaged file was accepted" : NULL;
}

/* Data behind their own head; half the time those of the owner, and of a header that is known. */
static const char *try_data(const uint8_t *data, size_t size, const vatten_pipeline_owner *owner,
                            uint8_t bits) {
    const uint32_t known[4] = {32, 1, owner->vendor_id, owner->device_id};
    size_t all = VATTEN_PIPELINE_FILE_HEAD + size;
    uint8_t *file = malloc(all), *body = file + VATTEN_PIPELINE_FILE_HEAD;
    bool accepted;
    if (!file)
        abort();
    memcpy(body, data, size);
    if (bits & 1 && size >= 32) {
        memcpy(body, known, sizeof known);
        memcpy(body + sizeof known, owner->uuid, sizeof owner->uuid);
    }
    vatten_pipeline_file_head(body, size, file);
    const char *broken = open_file(file, all, owner, &accepted);
    if (!broken && bits & 1 && size >= 32 && !accepted)
        broken = "cache: a good file was refused";
    if (!broken)
        broken = open_damaged(file, all, owner, (size_t)data[0] * 4 + (bits >> 6), bits);
    free(file);
    return broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vatten_pipeline_owner owner;
    bool accepted;
    if (size < sizeof owner + 2 || size > MOST_BYTES)
        return 0;
    fuzz_copy(&owner, sizeof owner, data, size);
    data += sizeof owner;
    size -= sizeof owner;
    fuzz_judge(open_file(data, size, &owner, &accepted));
    fuzz_judge(try_data(data, size - 1, &owner, data[size - 1]));
    return 0;
}
