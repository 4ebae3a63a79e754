/* SPDX-License-Identifier: MIT */
#include "photo.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stb_image.h>
#include <stb_image_write.h>

#include "complain.h"
#include "jpeg_tables.h"
#include "png_chunks.h"

#define MAX_PIXELS     ((uint64_t)400 * 1000 * 1000)
#define MAX_FILE_BYTES ((long)1 << 30)

bool photo_create(photo *out, uint32_t width, uint32_t height) {
    *out = (photo){width, height, NULL};
    out->rgb = calloc((size_t)width * height, 3);
    if (!out->rgb) {
        *out = (photo){0};
        return complain("out of memory for a picture of %u x %u", width, height);
    }
    return true;
}

void photo_destroy(photo *image) {
    free(image->rgb);
    *image = (photo){0};
}

size_t photo_values(const photo *image) {
    return (size_t)image->width * image->height * 3;
}

/* The whole file in memory, so that a read error is told apart from a broken picture. */
static unsigned char *read_file(const char *path, int *out_size) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        complain("cannot open '%s': %s", path, strerror(errno));
        return NULL;
    }
    unsigned char *bytes = NULL;
    long size = -1;
    errno = 0;
    if (fseek(file, 0, SEEK_END) == 0) {
        size = ftell(file);
    }
    if (size == 0) {
        complain("'%s' is empty", path);
    } else if (size > 0 && size < MAX_FILE_BYTES && fseek(file, 0, SEEK_SET) == 0) {
        bytes = malloc((size_t)size);
        if (bytes && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (!bytes && size != 0) {
        complain("cannot read '%s': %s", path, errno ? strerror(errno) : "too large, or not a file");
    }
    fclose(file);
    *out_size = (int)size;
    return bytes;
}

/* stb_image decodes a JPEG that ends early without a word, and its lower rows are grey. Bytes after the end
 * marker are common (cameras append their own), so this can only be a warning. */
static void warn_of_cut_jpeg(const char *path, const unsigned char *bytes, int size) {
    if (size < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8) {
        return;
    }
    while (size > 4 && bytes[size - 1] == 0) {
        size--;
    }
    if (bytes[size - 2] != 0xFF || bytes[size - 1] != 0xD9) {
        complain("warning: '%s' does not end with the end marker of a JPEG; it may be cut off", path);
    }
}

static bool is_small_enough(const char *name, const unsigned char *bytes, int size, uint64_t most) {
    int width = 0;
    int height = 0;
    int channels = 0;
    if (!stbi_info_from_memory(bytes, size, &width, &height, &channels)) {
        return complain("'%s' is not a readable PNG or JPEG: %s", name, stbi_failure_reason());
    }
    return (uint64_t)width * (uint64_t)height <= most ||
           complain("'%s' has %d x %d pixels, more than %.6g million", name, width, height,
                    (double)most / 1e6);
}

bool photo_decode(photo *out, const unsigned char *bytes, int size, uint64_t most_pixels, const char *name) {
    int width = 0;
    int height = 0;
    int channels = 0;
    *out = (photo){0};
    if (!jpeg_tables_fit(bytes, (size_t)size)) {
        return complain("'%s' is not a readable PNG or JPEG: a Huffman table has more than 256 codes", name);
    }
    if (!png_chunks_fit(bytes, (size_t)size)) {
        return complain("'%s' is not a readable PNG or JPEG: a chunk claims more bytes than the file has",
                        name);
    }
    if (!is_small_enough(name, bytes, size, most_pixels)) {
        return false;
    }
    unsigned char *levels = stbi_load_from_memory(bytes, size, &width, &height, &channels, 3);
    if (!levels) {
        return complain("'%s' is not a readable PNG or JPEG: %s", name, stbi_failure_reason());
    }
    warn_of_cut_jpeg(name, bytes, size);
    *out = (photo){(uint32_t)width, (uint32_t)height, levels}; /* stb's memory is malloc's */
    return true;
}

bool photo_load(photo *out, const char *path) {
    *out = (photo){0};
    int size = 0;
    unsigned char *bytes = read_file(path, &size);
    bool loaded = bytes && photo_decode(out, bytes, size, MAX_PIXELS, path);
    free(bytes);
    return loaded;
}

uint8_t photo_level(double value) {
    return (uint8_t)floor(fmin(fmax(value, 0.0), 255.0) + 0.5);
}

bool photo_save(const photo *image, const char *path) {
    errno = 0;
    int stride = (int)image->width * 3;
    if (!stbi_write_png(path, (int)image->width, (int)image->height, 3, image->rgb, stride)) {
        return complain("cannot write '%s': %s", path, errno ? strerror(errno) : "unknown reason");
    }
    return true;
}

bool photo_is_png(const char *path) {
    size_t length = strlen(path);
    return (length > 4 && strcmp(path + length - 4, ".png") == 0) ||
           complain("writes PNG only: '%s' must end in .png", path);
}

bool photo_can_save(const char *path) {
    FILE *before = fopen(path, "rb");
    if (before) {
        fclose(before);
    }
    FILE *file = fopen(path, "ab");
    if (!file) {
        return complain("cannot write '%s': %s", path, strerror(errno));
    }
    fclose(file);
    if (!before) {
        remove(path);
    }
    return true;
}
