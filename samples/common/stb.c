/* SPDX-License-Identifier: MIT
 *
 * The bodies of the stb headers (Sean Barrett, public domain), once.
 */
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_FAILURE_USERMSG /* reasons that a reader understands */
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
