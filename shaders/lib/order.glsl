// SPDX-License-Identifier: MIT
//
// Values as unsigned numbers of the same order: bisection over bits finds a limit among them, and what is equal as a
// number is equal there. 0 is none, ORDER_NAN below all numbers; above them there is room for ORDER_FORCED.

const uint ORDER_NONE = 0u;
const uint ORDER_NAN = 1u;
const uint ORDER_FORCED = 0xffffffffu;
const uint MINUS_INFINITY = 0xff800000u; // bits of an f32
const uint PLUS_INFINITY = 0x7f800000u;

bool is_number(uint bits) { return (bits & 0x7fffffffu) <= PLUS_INFINITY; }

uint order_of(uint bits)
{
    if (!is_number(bits))
        return ORDER_NAN;
    if ((bits & 0x7fffffffu) == 0u) // both zeros
        return 0x80000000u;
    return (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
}

// Not for ORDER_NONE, ORDER_NAN and ORDER_FORCED.
float value_of(uint order)
{
    return uintBitsToFloat((order & 0x80000000u) != 0u ? order & 0x7fffffffu : ~order);
}
