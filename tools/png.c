/* SPDX-License-Identifier: MIT
 *
 * The body of stb_image_write (Sean Barrett, public domain), once.
 */
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
