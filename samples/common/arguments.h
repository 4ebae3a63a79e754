/* SPDX-License-Identifier: MIT
 *
 * Command lines from tables: one row an option, with its bounds and its help line.
 */
#ifndef SAMPLES_ARGUMENTS_H
#define SAMPLES_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum argument_kind { ARGUMENT_FLAG, ARGUMENT_TEXT, ARGUMENT_COUNT, ARGUMENT_REAL } argument_kind;

typedef struct argument {
    const char *name;
    argument_kind kind;
    void *target; /* bool, const char *, uint32_t, double */
    double min;   /* of COUNT and REAL */
    double max;
    const char *value; /* what stands for it in the help */
    const char *help;
} argument;

/* Rows that most samples have. */
#define ARGUMENT_ROW_DEVICE(TARGET)                                                                          \
    { "--device", ARGUMENT_TEXT, TARGET, 0, 0, "NAME", "part of a Vulkan device's name, or its index" }
#define ARGUMENT_ROW_LIST_DEVICES(TARGET)                                                                    \
    { "--list-devices", ARGUMENT_FLAG, TARGET, 0, 0, "", "print the names of the Vulkan devices" }
#define ARGUMENT_ROW_QUIET(TARGET)                                                                           \
    { "--quiet", ARGUMENT_FLAG, TARGET, 0, 0, "", "no progress on stderr" }
#define ARGUMENT_ROW_JSON(TARGET)                                                                            \
    { "--json", ARGUMENT_FLAG, TARGET, 0, 0, "", "print the result as JSON" }
#define ARGUMENT_ROW_HELP(TARGET)                                                                            \
    { "--help", ARGUMENT_FLAG, TARGET, 0, 0, "", "print this" }

/* Reads argv[1..]. What is no option is gathered in front, argv[0..*rest) (what stood there has been read); with `rest`
 * NULL it is refused. False after a message. */
bool arguments_read(const argument *rows, size_t count, int argc, char **argv, uint32_t *rest);

/* Reads the digits at *text and steps over them: no sign, no blank, no exponent. False if there are none, or they say more than
 * `most`. */
bool arguments_whole(const char **text, uint64_t most, uint64_t *out);

/* One line an option. */
void arguments_help(const argument *rows, size_t count);

#endif
