/* SPDX-License-Identifier: MIT */
#include "staged.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void cannot_be_written(char reason[STAGED_REASON]) {
    snprintf(reason, STAGED_REASON, "cannot be written: %s", strerror(errno));
}

FILE *staged_open(const char *path, char **out_name, char reason[STAGED_REASON]) {
    struct stat status;
    *out_name = NULL;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) { /* a rename would replace even /dev/null */
        snprintf(reason, STAGED_REASON, "exists and is not a regular file");
        return NULL;
    }
    size_t size = strlen(path) + 32;
    char *name = malloc(size);
    if (name == NULL) {
        snprintf(reason, STAGED_REASON, "out of memory");
        return NULL;
    }
    snprintf(name, size, "%s.%ld.tmp", path, (long)getpid());
    FILE *file = fopen(name, "wbx");
    if (file == NULL) {
        cannot_be_written(reason);
        free(name);
        return NULL;
    }
    *out_name = name;
    return file;
}

bool staged_close(FILE *file, bool written, char **name, char reason[STAGED_REASON]) {
    bool closed = fclose(file) == 0;
    if (closed && written)
        return true;
    cannot_be_written(reason);
    staged_discard(*name);
    *name = NULL;
    return false;
}

bool staged_commit(const char *path, char *name, char reason[STAGED_REASON]) {
    if (rename(name, path) != 0) {
        cannot_be_written(reason);
        staged_discard(name);
        return false;
    }
    free(name);
    return true;
}

void staged_discard(char *name) {
    if (name == NULL)
        return;
    remove(name);
    free(name);
}
