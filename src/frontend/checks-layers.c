/* cbuild's own checks of what steps leave in layers: package lists, archives, files that
 * are stored twice. They hold a step against those before it in the same stage, and say
 * nothing where that would be guessing. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"

#include "base/text.h"

#include <string.h>

#define MAX_COPIED 200 /* of a stage are looked back at: the first */

static int is_checking(const struct cb_stage *stage)
{
    return stage->planner && stage->planner->options->purpose == CB_PLAN_CHECK &&
           !cb_checks_full(stage->planner);
}

static int is_word_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(word, words[i]))
            return 1;
    }
    return 0;
}

/* ── apt ── */

static int is_apt(const struct cb_shell_command *command)
{
    static const char *const names[] = {"apt", "apt-get", "aptitude"};

    return is_word_of(cb_shell_command_name(command), names, CB_ARRAY_SIZE(names));
}

/* "install" of `apt-get -o X=Y -y install …`, or "". */
static const char *apt_verb(const struct cb_shell_command *command)
{
    static const char *const with_value[] = {"-o", "-t", "-c", "-a"};

    for (size_t i = 1; i < command->words.count; i++) {
        const char *word = command->words.items[i];

        if (is_word_of(word, with_value, CB_ARRAY_SIZE(with_value)))
            i++;
        else if (*word != '-')
            return word;
    }
    return "";
}

/* Programs that use no package list. */
static int is_bystander(const struct cb_shell_command *command)
{
    static const char *const names[] = {"set", "echo",  "rm",     "sed",  "cp",
                                        "mv",  "mkdir", "export", "true", ":"};

    return is_word_of(cb_shell_command_name(command), names, CB_ARRAY_SIZE(names));
}

static int keeps_lists_in_cache(const struct cb_inst_run *run)
{
    for (size_t i = 0; i < run->mount_count; i++) {
        if (run->mounts[i].value && strstr(run->mounts[i].value, "/var/lib/apt"))
            return 1;
    }
    return 0;
}

/* An update and nothing that could use it. */
static void check_apt_update(struct cb_stage *stage, const struct cb_item *item,
                             const struct cb_shell_commands *commands)
{
    int updates = 0;

    cb_vec_foreach (command, commands) {
        const char *verb = is_apt(command) ? apt_verb(command) : "";
        int tidies = !strcmp(verb, "clean") || !strcmp(verb, "autoclean");

        if (!strcmp(verb, "update"))
            updates = 1;
        else if (!tidies && !is_bystander(command))
            return;
    }
    if (updates && !keeps_lists_in_cache(&item->inst->run))
        cb_checks_warn_item(stage, item, "AptUpdateAlone",
                            "Package lists are updated in a step of their own: a later "
                            "install may use an old cached copy of them");
}

static void check_apt_upgrade(struct cb_stage *stage, const struct cb_item *item,
                              const struct cb_shell_commands *commands)
{
    static const char *const verbs[] = {"upgrade", "dist-upgrade", "full-upgrade",
                                        "safe-upgrade"};

    cb_vec_foreach (command, commands) {
        const char *verb = is_apt(command) ? apt_verb(command) : "";

        if (is_word_of(verb, verbs, CB_ARRAY_SIZE(verbs)))
            cb_checks_warn_item(stage, item, "AptUpgrade",
                                "`%s %s` makes the image depend on the day it is built: "
                                "use a newer base image, or install the packages that "
                                "need it",
                                cb_shell_command_name(command), verb);
    }
}

/* ── ADD of an archive, then tar ── */

/* "x.tar.gz" of a URL that ends so, or NULL. Caller frees. */
static char *archive_of(const char *source)
{
    static const char *const kinds[] = {".tar",     ".tar.gz",  ".tgz",
                                        ".tar.bz2", ".tbz2",    ".tar.xz",
                                        ".txz",     ".tar.zst", ".tar.lzma"};
    cb_autofree char *path = xstrndup(source, strcspn(source, "?#"));
    const char *slash = strrchr(path, '/');

    if (strncmp(source, "http://", 7) != 0 && strncmp(source, "https://", 8) != 0)
        return NULL;
    for (size_t i = 0; slash && i < CB_ARRAY_SIZE(kinds); i++) {
        if (cb_ends_with(slash + 1, kinds[i]))
            return xstrdup(slash + 1);
    }
    return NULL;
}

static int unpacks(const struct cb_shell_commands *commands, const char *archive)
{
    cb_vec_foreach (command, commands) {
        if (strcmp(cb_shell_command_name(command), "tar") != 0)
            continue;
        for (size_t i = 1; i < command->words.count; i++) {
            if (cb_ends_with(command->words.items[i], archive))
                return 1;
        }
    }
    return 0;
}

static void check_extract(struct cb_stage *stage, const struct cb_copied *copied,
                          const struct cb_shell_commands *commands)
{
    const struct cb_inst_copy *add = &copied->item->inst->copy;

    if (copied->item->inst->kind != CB_INST_ADD || add->unpack == 1)
        return;
    for (size_t i = 0; i < add->sources.count; i++) {
        cb_autofree char *archive = archive_of(add->sources.items[i].text);

        if (archive && unpacks(commands, archive))
            cb_checks_warn_item(stage, copied->item, "AddThenExtract",
                                "`%s` stays in the image beside what RUN unpacks from "
                                "it: use ADD --unpack=true",
                                archive);
    }
}

/* ── chown and chmod of what was copied ── */

static int is_recursive(const struct cb_shell_command *command)
{
    for (size_t i = 1; i < command->words.count; i++) {
        const char *word = command->words.items[i];

        if (!strcmp(word, "--recursive") ||
            (word[0] == '-' && word[1] != '-' && strchr(word, 'R')))
            return 1;
    }
    return 0;
}

/* Is PATH the directory DIR, or below it? Both absolute and clean. */
static int is_within(const char *path, const char *dir)
{
    size_t len = strcmp(dir, "/") ? strlen(dir) : 0;

    return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/* The directory that OPERAND means; NULL if only the shell knows. Caller frees. */
static char *operand_path(const struct cb_stage *stage, const char *operand, int moved)
{
    size_t len = strlen(operand);
    cb_autofree char *dir = NULL;

    if (len >= 2 && !strcmp(operand + len - 2, "/*"))
        len -= len > 2 ? 2 : 1;
    dir = xstrndup(operand, len);
    if (strpbrk(dir, "$`*?[~{") || (moved && *dir != '/'))
        return NULL;
    return cb_convert_path(stage, dir);
}

static void check_operand(struct cb_stage *stage, const struct cb_item *item,
                          const char *program, const char *path)
{
    const struct cb_source *source = stage->planner->file->source;

    cb_vec_foreach (copied, &stage->copied) {
        const struct cb_source *file;
        struct cb_span place;
        unsigned line;
        int own;

        if (!is_within(copied->dest, path))
            continue;
        place = copied->item->place;
        file = cb_source_file(source, &place);
        place = item->place;
        own = file == cb_source_file(source, &place);
        cb_source_position(source, copied->item->place.start, &line, NULL);
        cb_checks_warn_item(stage, item, "ChangeAfterCopy",
                            "`%s -R %s` stores the files that %s%sline %u copied once "
                            "more: use %s --%s there",
                            program, path, own ? "" : cb_source_name(file),
                            own ? "" : " ", line,
                            cb_instruction_name(copied->item->inst->kind), program);
        return;
    }
}

static void check_change(struct cb_stage *stage, const struct cb_item *item,
                         const struct cb_shell_commands *commands)
{
    int moved = 0;

    cb_vec_foreach (command, commands) {
        const char *name = cb_shell_command_name(command);
        size_t operands = 0;

        moved |= !strcmp(name, "cd") || !strcmp(name, "pushd");
        if ((strcmp(name, "chown") != 0 && strcmp(name, "chmod") != 0) ||
            !is_recursive(command))
            continue;
        for (size_t i = 1; i < command->words.count; i++) {
            const char *word = command->words.items[i];
            cb_autofree char *path = NULL;

            if (*word == '-' || operands++ == 0) /* the first is the owner or mode */
                continue;
            path = operand_path(stage, word, moved);
            if (path)
                check_operand(stage, item, name, path);
        }
    }
}

/* ── What the converters call ── */

void cb_checks_copied(struct cb_stage *stage, const struct cb_item *item,
                      const char *dest)
{
    struct cb_copied copied = {.item = item};

    cb_autofree char *clean = cb_path_clean(dest);

    if (!is_checking(stage) || stage->copied.count >= MAX_COPIED)
        return;
    copied.dest = cb_arena_strdup(stage->planner->arena, clean);
    cb_vec_push(&stage->copied, copied);
}

void cb_checks_run(struct cb_stage *stage, const struct cb_item *item)
{
    cb_auto_value(cb_shell_commands) commands = {0};

    if (!is_checking(stage))
        return;
    cb_shell_commands_of(&commands, &item->inst->run);
    check_apt_update(stage, item, &commands);
    check_apt_upgrade(stage, item, &commands);
    cb_vec_foreach (copied, &stage->copied)
        check_extract(stage, copied, &commands);
    check_change(stage, item, &commands);
}
