/* SPDX-License-Identifier: MIT
 *
 * The text of a tuning file -> rows of the tuning table. The format is told in docs/performance.md.
 */
#ifndef VT_TUNE_FILE_H
#define VT_TUNE_FILE_H

#include "tune.h"

#define VT_TUNING_VERSION   1u
#define VT_TUNING_MOST_ROWS 4096u                                        /* for one device */
#define VT_REASON_BYTES     (sizeof((vatten_plan_info *)0)->tile_reason) /* of a reason with its end */

/* Rows and the reasons that they point to. Where `rows` is NULL they are only counted, so that a caller can make
 * room for them and read again. */
typedef struct vt_tuning {
    vt_tune_row *rows;
    char *words; /* reasons, one behind the other, each with its end */
    uint32_t count;
    size_t words_size;
} vt_tuning;

/* Checks all of the text, and takes the rows that are for the device of `caps` (NULL: for no device) in their order.
 * Leaves count and words_size in `tuning`, whose rows and words must hold as many as a first call counted.
 * Errors: INVALID_ARGUMENT after one message that names line, rule and numbers. Rows for other devices are told as
 * information. */
vatten_result vt_tune_file_read(const vt_caps *caps, const vatten_logger *logger, const char *text,
                                size_t size, vt_tuning *tuning);

#endif /* VT_TUNE_FILE_H */
