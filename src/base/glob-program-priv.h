/* The program that an ignore pattern becomes, between its reader and its machine. */
#ifndef CB_BASE_GLOB_PROGRAM_PRIV_H
#define CB_BASE_GLOB_PROGRAM_PRIV_H

#include "base/glob-priv.h"

#define CB_GLOB_WORD_BITS   64
#define CB_GLOB_ASCII_COUNT 128

enum cb_glob_element_kind {
    ELEMENT_ONE,   /* one character of the set */
    ELEMENT_STAR,  /* any number of them */
    ELEMENT_GROUP, /* nothing, or anything that ends in a slash */
};

struct cb_glob_range {
    unsigned low, high;
};

struct cb_glob_element {
    enum cb_glob_element_kind kind;
    int negated;
    unsigned first_range, range_count;
};

/* The elements of each kind that take a character, as bits. */
struct cb_glob_class {
    uint64_t one, star;
};

struct cb_glob_program {
    CB_VEC(struct cb_glob_element) elements;
    CB_VEC(struct cb_glob_range) ranges;
    size_t words;
    uint64_t *nullable; /* elements that may match nothing: stars and groups */
    /* For programs of one word: characters that no element tells apart share a class. */
    struct cb_glob_class *classes;
    unsigned char class_of[CB_GLOB_ASCII_COUNT];
    uint64_t groups;
};

CB_AUTO_DEFINE(cb_glob_program, cb_glob_program_free)

/* Fills in the classes. */
void cb_glob_program_classify(struct cb_glob_program *program);

#endif
