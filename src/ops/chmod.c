/* --chmod: an octal number, or chmod(1)'s symbolic form without a umask:
 * clause[,clause…], a clause being [ugoa…] followed by operations [+-=][rwxXst…|u|g|o].
 */
#include "ops/ops-priv.h"

#define CHMOD_MAX_TEXT 1024

struct operation {
    mode_t who;      /* mask of the bits this may touch: rwx of the named classes, s, t */
    char op;         /* + - = */
    mode_t bits;     /* rwx of all classes, s and t; cut down by WHO */
    int exec_if_any; /* X */
    char copy_from;  /* u g o, or 0 */
};

struct cb_chmod {
    int is_octal;
    mode_t octal;
    CB_VEC(struct operation) operations;
};

void cb_chmod_free(struct cb_chmod *chmod)
{
    if (!chmod)
        return;
    cb_vec_free(&chmod->operations);
    free(chmod);
}

static mode_t who_bits(char who)
{
    switch (who) {
    case 'u':
        return S_IRWXU | S_ISUID;
    case 'g':
        return S_IRWXG | S_ISGID;
    case 'o':
        return S_IRWXO | S_ISVTX;
    case 'a':
        return 07777;
    default:
        return 0;
    }
}

static mode_t permission_bits(char permission)
{
    switch (permission) {
    case 'r':
        return 0444;
    case 'w':
        return 0222;
    case 'x':
        return 0111;
    case 's':
        return S_ISUID | S_ISGID;
    case 't':
        return S_ISVTX;
    default:
        return 0;
    }
}

/* [+-=][perms] at *AT; 0 if it is malformed. */
static int parse_operation(const char **at, mode_t who, struct operation *out)
{
    const char *p = *at;

    *out = (struct operation){.who = who, .op = *p};
    if (*p != '+' && *p != '-' && *p != '=')
        return 0;
    p++;
    if (*p == 'u' || *p == 'g' || *p == 'o') {
        out->copy_from = *p++;
    } else {
        for (; *p == 'X' || permission_bits(*p); p++) {
            out->exec_if_any |= *p == 'X';
            out->bits |= permission_bits(*p);
        }
    }
    *at = p;
    return 1;
}

/* "a+t" and "+t" set the sticky bit, whoever is named with it. */
static int parse_clause(struct cb_chmod *chmod, const char **at)
{
    struct operation operation;
    mode_t who = 0;
    size_t count = 0;

    for (; who_bits(**at); (*at)++)
        who |= who_bits(**at);
    if (!who)
        who = 07777;
    while (**at == '+' || **at == '-' || **at == '=') {
        if (!parse_operation(at, who, &operation))
            return 0;
        cb_vec_push(&chmod->operations, operation);
        count++;
    }
    return count > 0;
}

static int parse_symbolic(struct cb_chmod *chmod, const char *text)
{
    for (;; text++) {
        if (!parse_clause(chmod, &text))
            return 0;
        if (*text != ',')
            return *text == '\0';
    }
}

static int parse_octal(struct cb_chmod *chmod, const char *text)
{
    unsigned long value = 0;

    if (!*text)
        return 0;
    for (; *text >= '0' && *text <= '7' && value <= 07777; text++)
        value = value * 8 + (unsigned long)(*text - '0');
    chmod->is_octal = 1;
    chmod->octal = (mode_t)value;
    return *text == '\0' && value <= 07777;
}

int cb_chmod_parse(struct cb_chmod **out, const char *text, struct cb_error **err)
{
    cb_auto(cb_chmod) chmod = xcalloc(1, sizeof(*chmod));
    int octal = *text >= '0' && *text <= '9';

    if (strlen(text) > CHMOD_MAX_TEXT ||
        !(octal ? parse_octal(chmod, text) : parse_symbolic(chmod, text))) {
        cb_error_set(err, CB_ERR_SYNTAX,
                     "invalid chmod parameter: '%s'. it should be octal string and "
                     "between 0 and 07777",
                     text);
        return cb_error_hint(err, "or symbolic, as u=rwX,go=rX");
    }
    *out = cb_steal(&chmod);
    return 0;
}

int cb_chmod_check(const char *text, struct cb_error **err)
{
    cb_auto(cb_chmod) chmod = NULL;

    return cb_chmod_parse(&chmod, text, err);
}

static mode_t spread(mode_t rwx)
{
    return rwx | rwx << 3 | rwx << 6;
}

static mode_t operation_bits(const struct operation *operation, mode_t mode)
{
    mode_t bits = operation->bits;

    if (operation->exec_if_any && (S_ISDIR(mode) || (mode & 0111)))
        bits |= 0111;
    if (operation->copy_from == 'u')
        bits = spread(mode >> 6 & 7);
    else if (operation->copy_from == 'g')
        bits = spread(mode >> 3 & 7);
    else if (operation->copy_from == 'o')
        bits = spread(mode & 7);
    return bits & operation->who;
}

mode_t cb_chmod_apply(const struct cb_chmod *chmod, mode_t mode)
{
    if (!chmod)
        return mode & 07777;
    if (chmod->is_octal)
        return chmod->octal;
    cb_vec_foreach (operation, &chmod->operations) {
        mode_t bits = operation_bits(operation, mode);

        if (operation->op == '-')
            mode &= ~bits;
        else if (operation->op == '+')
            mode |= bits;
        else
            mode = (mode & ~(operation->who & 07777)) | bits;
    }
    return mode & 07777;
}

mode_t cb_chmod_parents(const struct cb_chmod *chmod)
{
    return chmod && chmod->is_octal ? chmod->octal : 0755;
}
