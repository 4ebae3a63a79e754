// SPDX-License-Identifier: MIT
//
// The type of factors in layouts with matrices, which is that of the inputs.
//
// P is rounded to the type of the inputs. f16 has few binary orders of magnitude: there the largest value is made
// 2^P_HEADROOM, so that what is small beside it is still a normal number; the running maximum of a row is kept that much
// below the truth, which the sum and the log-sum-exp then undo by themselves. bf16 has the range of f32.

#if VT_DTYPE == VT_BF16
#define VT_MATRIX_ELEM bfloat16_t
const float P_HEADROOM = 0.0;
#else
#define VT_MATRIX_ELEM float16_t
const float P_HEADROOM = 14.0;
#endif
