/* SPDX-License-Identifier: MIT
 *
 * Pictures as the samples read them: one that is accepted has all its pixels, one that is not leaves nothing and is told.
 */
#include "fuzz_input.h"

#include "complain.h"
#include "photo.h"

#include <string.h>

#define MOST_PIXELS ((uint64_t)1 << 16) /* more take long, and find nothing new */

static unsigned said;

/* In place of complain.c: counts what is wrong, warnings aside. */
bool complain(const char *format, ...) {
    said += strncmp(format, "warning", 7) != 0;
    return false;
}

static const char *try_picture(const uint8_t *data, size_t size) {
    photo image = {1, 1, NULL};
    said = 0;
    bool decoded = photo_decode(&image, data, (int)size, MOST_PIXELS, "picture");
    if (decoded != (image.rgb != NULL) || said != (decoded ? 0 : 1))
        return "picture: refused without a word, or accepted with one";
    if (!decoded)
        return image.width || image.height ? "picture: one that is refused has a size" : NULL;
    if (!image.width || !image.height || (uint64_t)image.width * image.height > MOST_PIXELS)
        return "picture: one that is accepted has no pixels, or too many";
    unsigned sum = 0;
    for (size_t i = 0; i < photo_values(&image); ++i) /* all of them are there */
        sum += image.rgb[i];
    photo_destroy(&image);
    return sum > 255 * 3 * MOST_PIXELS ? "picture: levels above 255" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && size <= 1 << 16)
        fuzz_judge(try_picture(data, size));
    return 0;
}
