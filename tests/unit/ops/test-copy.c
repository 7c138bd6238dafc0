/* COPY and ADD: what lands where, as whom. */
#include "unit/ops/fixture.h"

struct row {
    const char *about;
    const char *context; /* tree */
    const char *base;    /* tree of the layer below; NULL: scratch */
    const char *sources; /* apart by spaces */
    const char *dest;
    const char *expected; /* tree, or the error after "!" */
    const char *chown, *chmod, *exclude;
    int parents;
};

#define PASSWD "etc/ etc/group=g:x:50:\n etc/passwd=u:x:7:8::/:\nv:x:9:9::/:"

#define LOOKED_IN                                                               \
    " (names are looked up in /etc/passwd and /etc/group of the stage that is " \
    "copied to; a number needs no look-up)"

#define ROW(about_, context_, base_, sources_, dest_, ...)                        \
    {                                                                             \
        .about = about_, .context = context_, .base = base_, .sources = sources_, \
        .dest = dest_, .expected = __VA_ARGS__                                    \
    }

static const struct row rows[] = {
    /* Sources */
    ROW("a file into the root", "a=1", NULL, "a", "/", "a=1"),
    ROW("a file under another name", "a=1", NULL, "a", "/b", "b=1"),
    ROW("a leading slash is the context's root", "d/ d/a=1", NULL, "/d/a", "/", "a=1"),
    ROW("dots do not lead out", "a=1", NULL, "../../a", "/", "a=1"),
    ROW("dots inside are resolved", "a=1 d/", NULL, "d/../a", "/", "a=1"),
    ROW("a directory's content", "d/ d/a=1 d/e/ d/e/b=2", NULL, "d", "/x",
        "x/ x/a=1 x/e/ x/e/b=2"),
    ROW("a directory written with a slash", "d/ d/a=1", NULL, "d/", "/x/", "x/ x/a=1"),
    ROW("everything", "a=1 d/ d/b=2", NULL, ".", "/", "a=1 d/ d/b=2"),
    ROW("an empty directory inside", "d/ d/e/", NULL, "d", "/x", "x/ x/e/"),
    ROW("an empty directory", "d/", NULL, "d", "/x", "x/"),
    ROW("two files", "a=1 b=2", NULL, "a b", "/x/", "x/ x/a=1 x/b=2"),
    ROW("a file and a directory", "a=1 d/ d/b=2", NULL, "a d", "/x/", "x/ x/a=1 x/b=2"),
    ROW("two directories become one", "d/ d/s/ d/s/a=1 e/ e/s/ e/s/b=2", NULL, "d e", "/",
        "s/ s/a=1 s/b=2"),
    ROW("the later source wins", "d/ d/f=1 e/ e/f=2", NULL, "d e", "/", "f=2"),
    ROW("a link to a file is followed", "a=1 l->a", NULL, "l", "/", "l=1"),
    ROW("a link to a directory is followed", "d/ d/a=1 l->d", NULL, "l", "/x",
        "x/ x/a=1"),
    ROW("a link inside stays a link", "d/ d/a=1 d/l->a d/m->/nowhere", NULL, "d", "/x",
        "x/ x/a=1 x/l->a x/m->/nowhere"),
    ROW("a link on the way is followed inside", "d/ d/a=1 l->/d", NULL, "l/a", "/",
        "a=1"),
    ROW("a FIFO is copied", "d/ d/p|", NULL, "d", "/", "600@p|"),
    ROW("a name of strange bytes", "d/ d/\xff\x01*=1", NULL, "d", "/", "\xff\x01*=1"),
    ROW("a missing source", "a=1", NULL, "x", "/",
        "!COPY x: \"/x\" not found in the build context"),
    ROW("a missing source below", "a=1", NULL, "./d//x/", "/",
        "!COPY ./d//x/: \"/d/x\" not found in the build context"),
    ROW("a missing source above", "a=1", NULL, "../x", "/",
        "!COPY ../x: \"/x\" not found in the build context (`..` does not lead out of "
        "the "
        "context: `../x` means `/x`; for files elsewhere, build with `--build-context "
        "other=DIR` and use `COPY --from=other …`)"),
    ROW("a file as a directory", "a=1", NULL, "a/b", "/",
        "!COPY a/b: \"/a/b\" not found in the build context"),
    /* Patterns */
    ROW("a star", "a.c=1 b.c=2 c.h=3", NULL, "*.c", "/x/", "x/ x/a.c=1 x/b.c=2"),
    ROW("a question mark", "a1=1 a2=2 a10=3", NULL, "a?", "/", "a1=1 a2=2"),
    ROW("a class", "a1=1 a2=2 a3=3", NULL, "a[1-2]", "/", "a1=1 a2=2"),
    ROW("an escaped bracket", "arr[0].txt=1 arr0.txt=2", NULL, "arr[[]0].txt", "/",
        "arr[0].txt=1"),
    ROW("a star does not cross a slash", "d/ d/a.c=1 b.c=2", NULL, "*.c", "/", "b.c=2"),
    ROW("a star in the middle", "d/ d/a/ d/a/x=1 d/b/ d/b/x=2", NULL, "d/*/x", "/",
        "x=2"),
    ROW("a star finds directories", "d1/ d1/a=1 d2/ d2/b=2", NULL, "d*", "/x/",
        "x/ x/a=1 x/b=2"),
    ROW("a pattern without a match", "a=1", "z=0", "*.nope", "/", "z=0"),
    ROW("a pattern without a match makes no directory", "a=1", NULL, "*.nope", "/x/", ""),
    ROW("a pattern in a file", "a=1", "z=0", "a/*", "/", "z=0"),
    ROW("a pattern in what is not there", "a=1", NULL, "d/*", "/",
        "!COPY d/*: \"/d\" not found in the build context"),
    ROW("a pattern through a link", "d/ d/a=1 l->d", NULL, "l/*", "/", "a=1"),
    ROW("a pattern does not enter links", "d/ d/a=1 l->d", NULL, "*/a", "/", "a=1"),
    ROW("a pattern finds a dangling link", "l->gone", NULL, "l*", "/",
        "!COPY l*: \"/l\" not found in the build context (it is a link that leads "
        "nowhere "
        "inside the tree)"),
    ROW("many files to one name", "a1=1 a2=2", NULL, "a*", "/x",
        "!when using COPY with more than one source file, the destination must be a "
        "directory "
        "and end with a /"),
    /* Destinations */
    ROW("missing parents", "a=1", NULL, "a", "/x/y/z", "x/ x/y/ x/y/z=1"),
    ROW("a slash makes a directory", "a=1", NULL, "a", "/x/", "x/ x/a=1"),
    ROW("a dot makes a directory", "a=1", NULL, "a", "/x/.", "x/ x/a=1"),
    ROW("into an existing directory", "a=1", "x/", "a", "/x", "x/ x/a=1"),
    ROW("over an existing file", "a=1", "x=old", "a", "/x", "x=1"),
    ROW("over a link in the directory", "a=1", "t=old a->t", "a", "/", "a=1 t=old"),
    ROW("through a link to a directory", "a=1", "real/ l->real", "a", "/l/",
        "l->real real/ real/a=1"),
    ROW("through a link to a file", "a=1", "t=old l->t", "a", "/l", "l->t t=1"),
    ROW("through an absolute link", "a=1", "real/ l->/real", "a", "/l/b",
        "l->/real real/ real/b=1"),
    ROW("a dangling link's target is made", "a=1", "l->/new/dir", "a", "/l/",
        "l->/new/dir new/ new/dir/ new/dir/a=1"),
    ROW("a directory over a file", "d/ d/a=1", "x=old", "d", "/x",
        "!cannot copy to non-directory: /x"),
    ROW("a file over a directory", "d/ d/a=1", "x/ x/a/", "d", "/x",
        "!cannot replace the directory /x/a with a file"),
    ROW("a directory over a link", "d/ d/s/ d/s/a=1", "x/ t/ x/s->/t", "d", "/x",
        "!cannot copy to non-directory: /x/s"),
    ROW("merged with what is there", "d/ d/s/ d/s/a=1", "x/ x/s/ x/s/old=0 x/o=0", "d",
        "/x", "x/ x/o=0 x/s/ x/s/a=1 x/s/old=0"),
    /* Looks */
    ROW("owners of a context do not matter", "700@5:6@a=1 5:6@d/ 5:6@d/b=2", NULL, ".",
        "/", "700@a=1 d/ d/b=2"),
    ROW("modes are kept", "d/ 700@d/s/ 4711@d/s/a=1 444@d/b=2", NULL, "d", "/x",
        "x/ 444@x/b=2 700@x/s/ 4711@x/s/a=1"),
    ROW("a new top directory is plain", "700@d/ d/a=1", NULL, "d", "/x", "x/ x/a=1"),
    ROW("an existing one keeps its looks", "d/ d/a=1", "700@3:4@x/", "d", "/x",
        "700@3:4@x/ x/a=1"),
    ROW("one below gets the source's", "d/ d/s/", "x/ 700@3:4@x/s/", "d", "/x",
        "x/ x/s/"),
    ROW("parents keep their looks", "a=1", "711@3:4@p/ 700@p/q/", "a", "/p/q/r/",
        "711@3:4@p/ 700@p/q/ p/q/r/ p/q/r/a=1"),
    /* --chown */
    ROW("numbers", "a=1", NULL, "a", "/", "7:8@a=1", .chown = "7:8"),
    ROW("a number is also the group", "a=1", NULL, "a", "/", "7:7@a=1", .chown = "7"),
    ROW("a name brings its group", "a=1", PASSWD, "a", "/z", PASSWD " 7:8@z=1",
        .chown = "u"),
    ROW("a name and a group", "a=1", PASSWD, "a", "/z", PASSWD " 7:50@z=1",
        .chown = "u:g"),
    ROW("a name and an empty group", "a=1", PASSWD, "a", "/z", PASSWD " 7:8@z=1",
        .chown = "u:"),
    ROW("a number and a group's name", "a=1", PASSWD, "a", "/z", PASSWD " 3:50@z=1",
        .chown = "3:g"),
    ROW("made parents too", "a=1", NULL, "a", "/x/y/", "7:8@x/ 7:8@x/y/ 7:8@x/y/a=1",
        .chown = "7:8"),
    ROW("everything below", "d/ d/s/ d/s/a=1 d/l->s", NULL, "d", "/x",
        "7:8@x/ 7:8@x/l->s 7:8@x/s/ 7:8@x/s/a=1", .chown = "7:8"),
    ROW("not what is there", "d/ d/a=1", "x/ x/o=0", "d", "/x", "x/ 7:8@x/a=1 x/o=0",
        .chown = "7:8"),
    ROW("an unknown name", "a=1", PASSWD, "a", "/",
        "!--chown=w: unable to find user w: no matching entries in passwd file" LOOKED_IN,
        .chown = "w"),
    ROW("an unknown group", "a=1", PASSWD, "a", "/",
        "!--chown=u:h: unable to find group h: no matching entries in group "
        "file" LOOKED_IN,
        .chown = "u:h"),
    ROW("a name without a passwd", "a=1", NULL, "a", "/",
        "!--chown=u: unable to find user u: no matching entries in passwd file" LOOKED_IN,
        .chown = "u"),
    ROW("a name in an empty filesystem's group", "a=1", NULL, "a", "/",
        "!--chown=1:g: unable to find group g: no matching entries in group "
        "file" LOOKED_IN,
        .chown = "1:g"),
    /* --chmod */
    ROW("octal", "d/ 700@d/s/ d/a=1 d/l->a", NULL, "d", "/x",
        "640@x/ 640@x/a=1 x/l->a 640@x/s/", .chmod = "640"),
    ROW("symbolic", "d/ 700@d/s/ 600@d/a=1 700@d/b=1", NULL, "d", "/x",
        "x/ x/a=1 755@x/b=1 x/s/", .chmod = "u=rwX,go=rX"),
    ROW("an octal one is for made parents too", "a=1", "p/", "a", "/p/x/y/",
        "p/ 700@p/x/ 700@p/x/y/ 700@p/x/y/a=1", .chmod = "700"),
    ROW("a symbolic one is not", "600@a=1", NULL, "a", "/x/", "x/ 700@x/a=1",
        .chmod = "u+x,go-rwx"),
    ROW("a new top directory has it", "d/ d/a=1", NULL, "d", "/x", "750@x/ 750@x/a=1",
        .chmod = "750"),
    ROW("one that is there has not", "d/ d/a=1", "711@x/", "d", "/x", "711@x/ 750@x/a=1",
        .chmod = "750"),
    ROW("with an owner: set-id survives", "a=1", NULL, "a", "/", "4755@7:8@a=1",
        .chown = "7:8", .chmod = "4755"),
    ROW("no mode at all", "a=1", NULL, "a", "/",
        "!invalid chmod parameter: '64a'. it should be octal string and between 0 and "
        "07777",
        .chmod = "64a"),
    /* --exclude, --parents */
    ROW("excluded names", "d/ d/a.c=1 d/a.o=2 d/s/ d/s/b.o=3", NULL, "d", "/x",
        "x/ x/a.c=1 x/s/", .exclude = "**/*.o"),
    ROW("excluded matches", "hom1.txt=1 hom2.md=2", NULL, "hom*", "/", "hom2.md=2",
        .exclude = "*.txt"),
    ROW("an excluded directory", "d/ d/s/ d/s/a=1 d/b=2", NULL, "d", "/x", "x/ x/b=2",
        .exclude = "s"),
    ROW("an exception of it", "d/ d/s/ d/s/a=1 d/s/b=2", NULL, "d", "/x",
        "x/ x/s/ x/s/b=2", .exclude = "s !s/b"),
    ROW("several patterns", "d/ d/a=1 d/b=2 d/c=3", NULL, "d", "/x", "x/ x/b=2",
        .exclude = "a c"),
    ROW("exclusion is below each source", "d/ d/s/ d/s/a=1 s/ s/a=2", NULL, "d s", "/x",
        "x/ x/a=2 x/s/", .exclude = "s/a"),
    ROW("a pattern's directory is not excluded by its name", "d1/ d1/a=1 d2/ d2/b=2",
        NULL, "d*", "/x", "x/ x/a=1 x/b=2", .exclude = "d1"),
    ROW("everything excluded", "d1/ d1/a=1 d2/", NULL, "d*", "/x", "x/", .exclude = "*"),
    ROW("a malformed exclusion", "a=1", NULL, "a", "/",
        "!--exclude: syntax error in pattern `a[`", .exclude = "a["),
    ROW("excluded below kept parents", "a/ a/b/ a/b/c=1 a/b/d=2", NULL, "a", "/",
        "a/ a/b/ a/b/d=2", .exclude = "a/b/c", .parents = 1),
    ROW("excluded altogether with parents", "a/ a/b/ a/b/c=1", NULL, "a/b/c", "/x/", "x/",
        .exclude = "**/c", .parents = 1),
    ROW("parents are kept", "a/ 700@a/b/ a/b/c=1", NULL, "a/b/c", "/x/",
        "x/ x/a/ 700@x/a/b/ x/a/b/c=1", .parents = 1),
    ROW("from the pivot on", "a/ a/b/ a/b/c=1", NULL, "a/./b/c", "/x/", "x/ x/b/ x/b/c=1",
        .parents = 1),
    ROW("from the first pivot on", "a/ a/b/ a/b/c/ a/b/c/d=1", NULL, "a/./b/./c", "/x/",
        "x/ x/b/ x/b/c/ x/b/c/d=1", .parents = 1),
    ROW("a dot at the end is no pivot", "a/ a/b=1", NULL, "./a/.", "/x/",
        "x/ x/a/ x/a/b=1", .parents = 1),
    ROW("everything with parents", "a/ a/b=1 c=2", NULL, ".", "/x/",
        "x/ x/a/ x/a/b=1 x/c=2", .parents = 1),
    ROW("parents of two sources", "a/ a/f=1 b/ b/f=2", NULL, "a/f b/f", "/",
        "a/ a/f=1 b/ b/f=2", .parents = 1),
    ROW("a pattern before the pivot", "a1/ a1/c/ a1/c/x=1 a2/ a2/c/ a2/c/y=2", NULL,
        "a*/./c", "/x/", "x/ x/c/ x/c/x=1 x/c/y=2", .parents = 1),
    ROW("a link before the pivot is followed", "a/ a/b/ a/b/c=1 l->a", NULL, "l/./b/c",
        "/x/", "x/ x/b/ x/b/c=1", .parents = 1),
    ROW("a link behind it is not", "a/ a/b/ a/b/c=1 l->a", NULL, "l/b/c", "/x/",
        "!COPY l/b/c: \"/l/b/c\" not found in the build context (a directory on its way "
        "is "
        "a link, which --parents does not follow)",
        .parents = 1),
    ROW("a link is kept as one", "a/ a/l->gone", NULL, "a/l", "/x/",
        "x/ x/a/ x/a/l->gone", .parents = 1),
    ROW("stars on both sides of deep ones", "a/ a/b/ a/b/c/ a/b/c/baz=1 a/baz=2 a/bay=3",
        NULL, "a/**/ba?", "/x/",
        "x/ x/a/ x/a/b/ x/a/b/c/ x/a/b/c/baz=1 x/a/bay=3 "
        "x/a/baz=2",
        .parents = 1),
    ROW("a deep pattern takes directories whole", "c/ c/d/ c/d/e/ c/d/e/f=1 c/g=2", NULL,
        "./c/**/e", "/x/", "x/ x/c/ x/c/d/ x/c/d/e/ x/c/d/e/f=1", .parents = 1),
    ROW("deep within a name", "ab/ ab/c=1 d/ d/c=2", NULL, "a**/c", "/x/",
        "x/ x/ab/ x/ab/c=1", .parents = 1),
    ROW("all below", "a/ a/e/ a/f=1", NULL, "a/**", "/x/", "x/ x/a/ x/a/e/ x/a/f=1",
        .parents = 1),
    ROW("ignored files are not found by patterns", "a=1 b=2 .dockerignore=b", NULL,
        "[ab]", "/x/", "x/ x/a=1", .parents = 1),
    ROW("a missing path with parents", "a/", NULL, "a/x", "/x/",
        "!COPY a/x: \"/a/x\" not found in the build context", .parents = 1),
    ROW("a missing pivot", "a/", NULL, "b/./*", "/x/",
        "!COPY b/./*: \"/b\" not found in the build context", .parents = 1),
    ROW("no match with parents", "a/", NULL, "a/*/x", "/out/", "out/", .parents = 1),
    ROW("parents that are there keep their owner", "a/ a/b/ a/b/c=1 700@a/d/",
        "711@3:4@a/ 1777@a/b/ 5:6@a/d/", "a/b/c", "/", "3:4@a/ a/b/ 7:8@a/b/c=1 5:6@a/d/",
        .chown = "7:8", .parents = 1),
    ROW("and are not for --chmod", "755@a/ a/b=1", "711@3:4@a/", "a/b", "/",
        "3:4@a/ 600@a/b=1", .chmod = "600", .parents = 1),
    ROW("parents that are made do not", "a/ a/b/ a/b/c=1", NULL, "a/b/c", "/",
        "7:8@a/ 7:8@a/b/ 7:8@a/b/c=1", .chown = "7:8", .parents = 1),
    ROW("with deep patterns", "a/ a/b/ a/b/x.c=1 a/x.c=2 a/y.h=3", NULL, "**/*.c", "/x/",
        "x/ x/a/ x/a/b/ x/a/b/x.c=1 x/a/x.c=2", .parents = 1),
};

static void split_words(const char *text, struct cb_strings *words)
{
    cb_autofree char *copy = xstrdup(text);
    char *save = NULL;

    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        cb_strings_add(words, word);
}

static void add_sources(const char *text, struct cb_strings *words,
                        struct cb_copy_source *sources, size_t *count)
{
    split_words(text, words);
    for (size_t i = 0; i < words->count; i++)
        sources[i] = (struct cb_copy_source){.input = 1, .path = words->items[i]};
    *count = words->count;
}

static void run_row(struct fixture *f, const struct row *row, size_t index)
{
    cb_autofree char *name = xasprintf("context%zu", index);
    cb_autofd int context = make_dir(f, name);
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto_value(cb_strings) words = {0};
    cb_auto_value(cb_strings) exclude = {0};
    cb_autofree char *message = NULL;
    struct cb_copy_source sources[4];
    struct cb_copy_options copy = {.sources = sources,
                                   .dest = row->dest,
                                   .chown = row->chown,
                                   .chmod = row->chmod,
                                   .exclude = &exclude,
                                   .parents = row->parents,
                                   .allow_missing_glob = 1};
    struct cb_vertex_options options = {0};
    cb_auto(cb_error) error = NULL;
    cb_auto(cb_result) result = NULL;

    plant(context, row->context);
    add_sources(row->sources, &words, sources, &copy.source_count);
    if (row->exclude)
        split_words(row->exclude, &exclude);
    if (cb_op_copy(&options, &f->env, &copy, &error) < 0) {
        message = xstrdup(cb_error_message(error));
    } else {
        struct cb_edge inputs[2] = {
            add_given(graph, row->base ? FILESYSTEM(f, row->base)
                                       : filesystem(f, (const char *const[]){NULL})),
            add_context(f, graph, name),
        };

        result = solve(f, graph, add_step(graph, &options, inputs, 2), &message);
    }
    if (*row->expected == '!') {
        assert_null(result);
        assert_string_equal(message, row->expected + 1);
    } else {
        if (!result)
            fail_msg("%s", message);
        assert_result(result, row->expected);
    }
}

static void copy_gives_the_tree_of_the_table(void **state)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        print_message("# %s\n", rows[i].about);
        run_row(*state, &rows[i], i);
    }
}

/* ── From a stage ── */

static struct cb_result *copy_from(struct fixture *f, struct cb_result *base,
                                   struct cb_result *from, const char *path,
                                   const char *dest, int unpack)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_copy_source source = {.input = 1, .path = path};
    struct cb_copy_options copy = {.sources = &source,
                                   .source_count = 1,
                                   .dest = dest,
                                   .from_stage = 1,
                                   .unpack = unpack};
    struct cb_edge inputs[2] = {add_given(graph, base), add_given(graph, from)};
    struct cb_vertex_options options = {0};
    cb_autofree char *message = NULL;
    struct cb_result *result;

    OK(cb_op_copy(&options, &f->env, &copy, err));
    result = solve(f, graph, add_step(graph, &options, inputs, 2), &message);
    if (!result)
        fail_msg("%s", message);
    return result;
}

static void copy_from_a_stage_keeps_owners_modes_and_times(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_result) result =
        copy_from(f, filesystem(f, (const char *const[]){NULL}),
                  FILESYSTEM(f, "700@1:2@d/ 4755@3:4@d/a=1 711@5:6@d/s/ 5:6@d/s/l->x"),
                  "/d", "/x", 0);
    struct stat st;
    int root;

    assert_result(result, "x/ 4755@3:4@x/a=1 711@5:6@x/s/ 5:6@x/s/l->x");
    OK(cb_result_root(result, &root, err));
    assert_int_equal(fstatat(root, "x/a", &st, 0), 0);
    assert_int_equal(st.st_mtime, OLD);
    assert_int_equal(fstatat(root, "x/s", &st, 0), 0);
    assert_int_equal(st.st_mtime, OLD);
    assert_int_equal(fstatat(root, "x/s/l", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mtime, OLD);
}

static void copy_from_a_stage_keeps_hard_links(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_result) result =
        copy_from(f, FILESYSTEM(f, "x/"),
                  FILESYSTEM(f, "d/ d/a=1 d/b~d/a d/s/ d/s/c~d/a"), "/d", "/x", 0);
    struct stat a, c;
    int root;

    OK(cb_result_root(result, &root, err));
    assert_int_equal(fstatat(root, "x/a", &a, 0), 0);
    assert_int_equal(fstatat(root, "x/s/c", &c, 0), 0);
    assert_int_equal(a.st_ino, c.st_ino);
    assert_int_equal(a.st_nlink, 3);
}

static void copy_does_not_touch_times_of_parents_on_the_way(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_result) result = copy_from(f, FILESYSTEM(f, "p/ p/q/", "unrelated=1"),
                                          FILESYSTEM(f, "a=1"), "/a", "/p/q/", 0);
    struct stat st;
    int root;

    OK(cb_result_root(result, &root, err));
    assert_result(result, "p/ p/q/ p/q/a=1 unrelated=1");
    assert_int_equal(fstatat(root, "p", &st, 0), 0);
    assert_int_equal(st.st_mtime, OLD);
    assert_int_equal(fstatat(root, "p/q", &st, 0), 0);
    assert_true(st.st_mtime > OLD);
}

static void copy_over_deleted_directories_shows_nothing_old(void **state)
{
    struct fixture *f = *state;
    static const char *const lower[] = {"x/ x/old=0", "y=1", NULL};
    cb_auto(cb_result) base = filesystem(f, lower);
    cb_auto(cb_snapshot) layer = NULL;
    cb_auto(cb_result) result = NULL;
    struct cb_digest identity = cb_digest_of("deleted", 7);
    int root;

    OK(cb_snapshot_prepare(f->store, cb_snapshot_result_get(base), &layer, err));
    OK(cb_snapshot_open_root(layer, &root, err));
    OK(cb_fs_remove_tree(root, "x", err));
    close(root);
    OK(cb_snapshot_commit(layer, err));
    result = copy_from(f, cb_snapshot_result_new(&f->env, layer, &identity),
                       FILESYSTEM(f, "d/ d/new=1"), "/d", "/x", 0);
    assert_result(result, "x/ x/new=1 y=1");
}

static void copy_skips_sockets_with_a_warning(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_result) result = copy_from(f, filesystem(f, (const char *const[]){NULL}),
                                          FILESYSTEM(f, "d/ d/s% d/a=1"), "/d", "/", 0);

    assert_result(result, "a=1");
    assert_string_equal(cb_strbuf_text(&f->warnings), "`d/s` is a socket: not copied");
}

static void copy_writes_inline_content(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_copy_source sources[] = {
        {.input = -1, .name = "a", .content = "one", .content_len = 3},
        {.input = -1, .name = "b", .content = "", .content_len = 0},
    };
    struct cb_copy_options copy = {.sources = sources,
                                   .source_count = 2,
                                   .dest = "/x/",
                                   .chown = "3:4",
                                   .chmod = "750"};
    struct cb_edge base = add_given(graph, filesystem(f, (const char *const[]){NULL}));
    struct cb_vertex_options options = {0};
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;

    OK(cb_op_copy(&options, &f->env, &copy, err));
    result = solve(f, graph, add_step(graph, &options, &base, 1), &message);
    assert_non_null(result);
    assert_result(result, "750@3:4@x/ 750@3:4@x/a=one 750@3:4@x/b=");
}

static void workdir_is_made_for_the_user(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_edge base = add_given(graph, FILESYSTEM(f, PASSWD " srv/ l->/srv"));
    struct cb_vertex_options options = {0};
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;

    OK(cb_op_mkdir(&options, &f->env, "/l/a/b", "u", err));
    result = solve(f, graph, add_step(graph, &options, &base, 1), &message);
    assert_non_null(result);
    assert_result(result, PASSWD " l->/srv srv/ 7:8@srv/a/ 7:8@srv/a/b/");
}

static void workdir_belongs_to_ids_as_chown_has_it(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *user, *expected;
    } rows[] = {
        {"77", PASSWD " 77:77@w/"}, {"7", PASSWD " 7:7@w/"},  {"7:3", PASSWD " 7:3@w/"},
        {"u:g", PASSWD " 7:50@w/"}, {"u:", PASSWD " 7:8@w/"}, {"root", PASSWD " w/"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_graph) graph = cb_graph_new();
        struct cb_edge base =
            add_given(graph, FILESYSTEM(f, "etc/ etc/group=g:x:50:\n "
                                           "etc/passwd=u:x:7:8::/:\nv:x:9:9::/:"));
        struct cb_vertex_options options = {0};
        cb_autofree char *message = NULL;
        cb_auto(cb_result) result = NULL;

        OK(cb_op_mkdir(&options, &f->env, "/w", rows[i].user, err));
        result = solve(f, graph, add_step(graph, &options, &base, 1), &message);
        assert_non_null(result);
        assert_result(result, rows[i].expected);
    }
}

static void workdir_of_an_unknown_user_is_roots_with_a_warning(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_edge base = add_given(graph, FILESYSTEM(f, "etc/"));
    struct cb_vertex_options options = {0};
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;

    OK(cb_op_mkdir(&options, &f->env, "/w", "nobody", err));
    result = solve(f, graph, add_step(graph, &options, &base, 1), &message);
    assert_non_null(result);
    assert_result(result, "etc/ w/");
    assert_string_equal(f->warnings.text,
                        "WORKDIR /w belongs to root: unable to find user nobody: no "
                        "matching entries in passwd file");
}

static void workdir_over_a_file_is_an_error(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_edge base = add_given(graph, FILESYSTEM(f, "a=1"));
    struct cb_vertex_options options = {0};
    cb_autofree char *message = NULL;

    OK(cb_op_mkdir(&options, &f->env, "/a", "", err));
    assert_null(solve(f, graph, add_step(graph, &options, &base, 1), &message));
    assert_string_equal(message, "WORKDIR /a: cannot copy to non-directory: /a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(copy_gives_the_tree_of_the_table, fixture_open,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(copy_from_a_stage_keeps_owners_modes_and_times,
                                        fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(copy_from_a_stage_keeps_hard_links, fixture_open,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(copy_does_not_touch_times_of_parents_on_the_way,
                                        fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(copy_over_deleted_directories_shows_nothing_old,
                                        fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(copy_skips_sockets_with_a_warning, fixture_open,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(copy_writes_inline_content, fixture_open,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(workdir_is_made_for_the_user, fixture_open,
                                        fixture_close),
        cmocka_unit_test_setup_teardown(workdir_belongs_to_ids_as_chown_has_it,
                                        fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(
            workdir_of_an_unknown_user_is_roots_with_a_warning, fixture_open,
            fixture_close),
        cmocka_unit_test_setup_teardown(workdir_over_a_file_is_an_error, fixture_open,
                                        fixture_close),
    };

    if (!fixture_needs_root())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
