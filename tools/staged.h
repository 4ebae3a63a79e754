/* SPDX-License-Identifier: MIT
 *
 * Output files in two steps, so that a failure, or an interrupt, between them leaves neither half a file nor no file where
 * one was: written beside their path, then renamed.
 */
#ifndef TOOLS_STAGED_H
#define TOOLS_STAGED_H

#include <stdbool.h>
#include <stdio.h>

#define STAGED_REASON 256 /* bytes that a reason needs at most */

/* A new file beside `path`, and its malloc'd name. NULL with a reason (without the path) and no name when it cannot be made,
 * or `path` is no regular file. */
FILE *staged_open(const char *path, char **out_name, char reason[STAGED_REASON]);

/* Closes it. False with a reason when not all of it was `written`; the file and its name are gone then. */
bool staged_close(FILE *file, bool written, char **name, char reason[STAGED_REASON]);

/* Renames it to `path`, or removes it and gives the reason; frees the name. */
bool staged_commit(const char *path, char *name, char reason[STAGED_REASON]);

/* Removes it and frees the name; NULL is fine. */
void staged_discard(char *name);

#endif /* TOOLS_STAGED_H */
