/* Sources of ADD that lie elsewhere: each URL and each git repository becomes a vertex of
 * its own, and the copy takes all there is in it. */
#include "frontend/convert-priv.h"

#include "context/remote.h"

#include <string.h>

/* A failure to fetch stands at the word; at the FROM when a trigger says it. */
static int add_vertex(const struct cb_adding *adding, struct cb_vertex_options *vertex,
                      const char *name, struct cb_edge *out, struct cb_error **err)
{
    struct cb_stage *stage = adding->stage;
    const struct cb_item *item = adding->item;

    vertex->source = item->onbuild ? stage->planner->file->source : item->source;
    vertex->span = item->onbuild ? item->place : adding->word->span;
    vertex->name = name;
    vertex->internal = 1;
    vertex->no_cache = stage->no_cache;
    return cb_convert_add(stage->planner, vertex, out, err);
}

/* ── Git ── */

/* What the flags say and what the URL says must not differ. */
static int merge_flags(struct cb_git_ref *ref, const struct cb_inst_copy *inst,
                       const char *checksum, struct cb_error **err)
{
    if (inst->keep_git_dir >= 0 && ref->keep_git_dir >= 0 &&
        inst->keep_git_dir != ref->keep_git_dir)
        return cb_error_set(err, CB_ERR_SYNTAX,
                            "inconsistent keep-git-dir configuration");
    if (ref->keep_git_dir < 0)
        ref->keep_git_dir = inst->keep_git_dir;
    if (!checksum)
        return 0;
    if (ref->checksum && strcmp(ref->checksum, checksum) != 0)
        return cb_error_set(err, CB_ERR_SYNTAX, "checksum mismatch \"%s\" != \"%s\"",
                            checksum, ref->checksum);
    if (!ref->checksum)
        ref->checksum = xstrdup(checksum);
    return 0;
}

/* A checksum that cannot be one is the flag's mistake, not the URL's. */
static int at_checksum(const struct cb_adding *adding, struct cb_error **err)
{
    const struct cb_item *item = adding->item;

    return cb_error_at(err, item->source, item->inst->copy.checksum.span);
}

static int add_git(const struct cb_adding *adding, struct cb_git_ref *ref,
                   struct cb_added_source *out, struct cb_error **err)
{
    struct cb_vertex_options vertex = {0};
    cb_autofree char *name = xasprintf("[internal] load git source %s%s%s", ref->remote,
                                       *ref->ref ? "#" : "", ref->ref);

    out->with_times = ref->commit_times;
    if (merge_flags(ref, &adding->item->inst->copy, adding->checksum, err) < 0)
        return -1;
    if (adding->checksum && cb_git_checksum_check(adding->checksum, err) < 0)
        return at_checksum(adding, err);
    if (cb_op_git(&vertex, adding->stage->planner->options->env, ref, err) < 0)
        return -1;
    out->name = xstrdup("/");
    return add_vertex(adding, &vertex, name, &out->edge, err);
}

/* ── URLs ── */

/* "dir/" as a destination asks for a name; a file that is put elsewhere needs none. */
static int file_name(const char *url, const char *dest, char **out, struct cb_error **err)
{
    size_t len = strlen(dest);

    *out = cb_url_file_name(url);
    if (*out)
        return 0;
    if (len && dest[len - 1] == '/') {
        cb_error_set(err, CB_ERR_SYNTAX,
                     "cannot determine a file name from the URL for the directory `%s`",
                     dest);
        return cb_error_hint(err, "name the file in the destination: `%sfile`", dest);
    }
    *out = xstrdup("download");
    return 0;
}

static int add_url(const struct cb_adding *adding, const char *url,
                   struct cb_added_source *out, struct cb_error **err)
{
    struct cb_vertex_options vertex = {0};
    cb_autofree char *shown = cb_redact_urls(url);
    cb_autofree char *name = xasprintf("[internal] load %s", shown);
    struct cb_digest digest;

    if (adding->checksum && cb_digest_parse(&digest, adding->checksum, err) < 0)
        return at_checksum(adding, err);
    if (file_name(url, adding->dest, &out->name, err) < 0 ||
        cb_op_url(&vertex, adding->stage->planner->options->env, url, out->name,
                  adding->checksum, err) < 0)
        return -1;
    out->with_times = 1;
    out->unpack = adding->item->inst->copy.unpack > 0;
    return add_vertex(adding, &vertex, name, &out->edge, err);
}

/* ── Telling them apart ── */

static int refuse_copy(const char *what, const char *text, struct cb_error **err)
{
    cb_autofree char *shown = cb_redact_urls(text);

    cb_error_set(err, CB_ERR_SYNTAX, "source can't be a %s for COPY: `%s`", what, shown);
    return cb_error_hint(err, "ADD fetches it");
}

int cb_convert_fetch(const struct cb_adding *adding, const char *text,
                     struct cb_added_source *out, struct cb_error **err)
{
    cb_auto_value(cb_git_ref) ref = {0};
    int is_add = adding->item->inst->kind == CB_INST_ADD;
    int is_git = cb_git_ref_parse(&ref, text, err);
    int rc = is_git;

    *out = (struct cb_added_source){0};
    if (is_git > 0 && ref.is_bare)
        return 0;
    if (is_git > 0)
        rc = is_add ? add_git(adding, &ref, out, err) : refuse_copy("git ref", text, err);
    else if (is_git == 0 && cb_is_url(text))
        rc = is_add ? add_url(adding, text, out, err) : refuse_copy("URL", text, err);
    else if (is_git == 0)
        return 0;
    return rc < 0 ? -1 : 1;
}
