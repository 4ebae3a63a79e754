/* SPDX-License-Identifier: MIT
 *
 * volk itself, in a file of its own: an application that brings its own volk already has these symbols, and
 * then the linker leaves this object in the static library.
 */
#define VOLK_IMPLEMENTATION
#include <volk.h>
