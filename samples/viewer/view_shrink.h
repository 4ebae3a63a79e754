/* SPDX-License-Identifier: MIT */
#ifndef VIEWER_VIEW_SHRINK_H
#define VIEWER_VIEW_SHRINK_H

#include "photo.h"

/* A smaller picture whose pixels are the means of what they cover; the sides are at most those of `from`. Creates it. False
 * after a message when memory is short. */
bool view_shrink(photo *out, const photo *from, uint32_t width, uint32_t height);

#endif
