/* SPDX-License-Identifier: MIT */
#include "operands.h"

#include <stddef.h>

/*
 * One letter a word:
 *   T type  R result  I id  N number  S text, up to the word with its end
 *   M memory access: a mask, and what its bits bring; may be missing
 *   * the letter before it, for all words that are left
 * Words may end before the letters do: operands at the end are optional.
 */
typedef struct form {
    uint16_t first, last; /* instructions of these numbers */
    const char *letters;
} form;

static const form forms[] = {
    {10, 10, "S"},             /* Extension */
    {11, 11, "RS"},            /* ExtInstImport */
    {12, 12, "TRINI*"},        /* ExtInst */
    {14, 14, "NN"},            /* MemoryModel */
    {15, 15, "NISI*"},         /* EntryPoint */
    {16, 16, "IN*"},           /* ExecutionMode */
    {17, 17, "N"},             /* Capability */
    {19, 20, "R"},             /* TypeVoid, TypeBool */
    {21, 22, "RN*"},           /* TypeInt, TypeFloat */
    {23, 24, "RIN"},           /* TypeVector, TypeMatrix */
    {28, 28, "RII"},           /* TypeArray */
    {29, 29, "RI"},            /* TypeRuntimeArray */
    {30, 30, "RI*"},           /* TypeStruct */
    {32, 32, "RNI"},           /* TypePointer */
    {33, 33, "RI*"},           /* TypeFunction */
    {39, 39, "IN"},            /* TypeForwardPointer */
    {41, 42, "TR"},            /* ConstantTrue, ConstantFalse */
    {43, 43, "TRN*"},          /* Constant */
    {44, 44, "TRI*"},          /* ConstantComposite */
    {46, 46, "TR"},            /* ConstantNull */
    {48, 49, "TR"},            /* SpecConstantTrue, SpecConstantFalse */
    {50, 50, "TRN*"},          /* SpecConstant */
    {51, 51, "TRI*"},          /* SpecConstantComposite */
    {52, 52, "TRNI*"},         /* SpecConstantOp, of instructions on ids alone */
    {54, 54, "TRNI"},          /* Function */
    {55, 55, "TR"},            /* FunctionParameter */
    {56, 56, ""},              /* FunctionEnd */
    {57, 57, "TRI*"},          /* FunctionCall */
    {59, 59, "TRNI"},          /* Variable */
    {61, 61, "TRIM"},          /* Load */
    {62, 62, "IIM"},           /* Store */
    {65, 66, "TRI*"},          /* AccessChain, InBoundsAccessChain */
    {68, 68, "TRIN"},          /* ArrayLength */
    {71, 71, "IN*"},           /* Decorate */
    {72, 72, "INN*"},          /* MemberDecorate */
    {77, 78, "TRI*"},          /* VectorExtractDynamic, VectorInsertDynamic */
    {79, 79, "TRIIN*"},        /* VectorShuffle */
    {80, 80, "TRI*"},          /* CompositeConstruct */
    {81, 81, "TRIN*"},         /* CompositeExtract */
    {82, 82, "TRIIN*"},        /* CompositeInsert */
    {83, 84, "TRI"},           /* CopyObject, Transpose */
    {109, 122, "TRI"},         /* conversions */
    {124, 124, "TRI"},         /* Bitcast */
    {126, 152, "TRI*"},        /* arithmetic */
    {154, 191, "TRI*"},        /* comparisons, Select */
    {194, 205, "TRI*"},        /* bits */
    {224, 225, "I*"},          /* ControlBarrier, MemoryBarrier */
    {227, 227, "TRI*"},        /* AtomicLoad */
    {228, 228, "I*"},          /* AtomicStore */
    {229, 242, "TRI*"},        /* atomics */
    {245, 245, "TRI*"},        /* Phi */
    {246, 246, "IIN*"},        /* LoopMerge */
    {247, 247, "IN"},          /* SelectionMerge */
    {248, 248, "R"},           /* Label */
    {249, 249, "I"},           /* Branch */
    {250, 250, "IIIN*"},       /* BranchConditional */
    {253, 253, ""},            /* Return */
    {254, 254, "I"},           /* ReturnValue */
    {255, 255, ""},            /* Unreachable */
    {331, 331, "INI*"},        /* ExecutionModeId */
    {333, 341, "TRI*"},        /* GroupNonUniformElect to BallotBitExtract */
    {342, 342, "TRINI"},       /* GroupNonUniformBallotBitCount */
    {343, 348, "TRI*"},        /* GroupNonUniformBallotFindLSB to ShuffleDown */
    {349, 364, "TRINI*"},      /* GroupNonUniformIAdd to LogicalXor */
    {400, 400, "TRI"},         /* CopyLogical */
    {4450, 4452, "TRIIN"},     /* SDot, UDot, SUDot */
    {4453, 4455, "TRIIIN"},    /* the same, accumulated */
    {4456, 4456, "RI*"},       /* TypeCooperativeMatrixKHR */
    {4457, 4457, "TRIIIM"},    /* CooperativeMatrixLoadKHR */
    {4458, 4458, "IIIIM"},     /* CooperativeMatrixStoreKHR */
    {4459, 4459, "TRIIIN"},    /* CooperativeMatrixMulAddKHR */
    {4460, 4460, "TRI"},       /* CooperativeMatrixLengthKHR */
    {5293, 5293, "TRI"},       /* CooperativeMatrixConvertUse */
    {5366, 5366, "TRINI"},     /* CooperativeMatrixReduce */
    {5367, 5367, "TRIIIMNI*"}, /* CooperativeMatrixLoadTensorNV */
    {5368, 5368, "IIIMNI*"},   /* CooperativeMatrixStoreTensorNV */
    {5369, 5369, "TRI*"},      /* CooperativeMatrixPerElementOp */
    {5370, 5371, "RI*"},       /* TypeTensorLayoutNV, TypeTensorViewNV */
    {5372, 5379, "TRI*"},      /* tensor layouts and views */
    {5382, 5382, "TRI*"},      /* TensorViewSetClipNV */
    {6916, 6918, "TRI*"},      /* dot products of two, accumulated (VALVE) */
};

/* As many instructions of SpecConstantOp have numbers behind their ids. */
static bool has_numbers(uint32_t op) {
    return op == 79 || op == 81 || op == 82;
}

static bool ends_text(uint32_t word) {
    return !(word & 0xff) || !(word >> 8 & 0xff) || !(word >> 16 & 0xff) || !(word >> 24);
}

/* How many words of memory access there are, 0 for bits that are not known. */
static uint32_t memory_access(uint32_t mask, operand *out) {
    enum { PLAIN = 0x1 | 0x4 | 0x20, ALIGNED = 0x2, AVAILABLE = 0x8, VISIBLE = 0x10 };
    uint32_t count = 0;
    out[count++] = OPERAND_NUMBER;
    if (mask & ~(uint32_t)(PLAIN | ALIGNED | AVAILABLE | VISIBLE))
        return 0;
    if (mask & ALIGNED)
        out[count++] = OPERAND_NUMBER;
    if (mask & AVAILABLE)
        out[count++] = OPERAND_ID;
    if (mask & VISIBLE)
        out[count++] = OPERAND_ID;
    return count;
}

static operand of_letter(char letter) {
    switch (letter) {
    case 'T':
        return OPERAND_TYPE;
    case 'R':
        return OPERAND_RESULT;
    case 'I':
        return OPERAND_ID;
    default:
        return OPERAND_NUMBER;
    }
}

/* How many words the letter takes, 0 if what is there does not fit it. `out` has room for four more than there are words. */
static uint32_t take(char letter, const uint32_t *words, uint32_t count, operand *out) {
    if (letter == 'M') {
        uint32_t taken = memory_access(words[0], out);
        return taken <= count ? taken : 0;
    }
    uint32_t taken = 1;
    if (letter == 'S')
        while (!ends_text(words[taken - 1]))
            if (++taken > count)
                return 0;
    for (uint32_t i = 0; i < taken; ++i)
        out[i] = of_letter(letter);
    return taken;
}

static const form *form_of(uint32_t op) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; ++i)
        if (op >= forms[i].first && op <= forms[i].last)
            return &forms[i];
    return NULL;
}

bool operands_of(uint32_t op, const uint32_t *words, uint32_t count, operand *out) {
    const form *known = form_of(op);
    if (!known || (op == 52 && count > 2 && has_numbers(words[2])))
        return false;
    const char *letter = known->letters;
    for (uint32_t i = 0; i < count;) {
        if (!*letter)
            return false;
        uint32_t taken = take(*letter, words + i, count - i, out + i);
        if (!taken)
            return false;
        i += taken;
        letter += letter[1] != '*';
    }
    return true;
}

bool operands_needless(uint32_t op, const uint32_t *words, uint32_t count) {
    enum { SOURCE_CONTINUED = 2, LINE = 8, NO_LINE = 317, MODULE_PROCESSED = 330, RELAXED_PRECISION = 0 };
    return (op >= SOURCE_CONTINUED && op <= LINE) || op == NO_LINE || op == MODULE_PROCESSED ||
           (op == OP_DECORATE && count > 1 && words[1] == RELAXED_PRECISION);
}
