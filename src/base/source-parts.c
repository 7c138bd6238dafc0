/* A text made of several files, each in the place of the line that includes it. Places in
 * the whole are in the order in which it is read, so that whoever compares or searches
 * places need not know of files; whoever shows one asks for the file.
 *
 * A file's text is followed by a line end if it has none, so that no line of the whole is
 * of two files. */
#include "base/source-priv.h"

#include <assert.h>
#include <string.h>

void cb_source_parts_free(struct cb_source *source)
{
    cb_vec_foreach (file, &source->files)
        cb_source_unref(*file);
    cb_vec_free(&source->files);
    cb_vec_free(&source->parts);
}

static size_t add_file(struct cb_source *whole, struct cb_source *file)
{
    size_t index = cb_source_file_index(whole, file);
    struct cb_source *kept;

    if (index < whole->files.count)
        return index;
    kept = cb_source_ref(file);
    cb_vec_push(&whole->files, kept);
    return index;
}

static int lacks_line_end(const struct cb_source *file)
{
    return file->len > 0 && file->text[file->len - 1] != '\n';
}

/* Returns how many bytes were put AT. */
static size_t insert_text(struct cb_source *whole, size_t at,
                          const struct cb_source *file)
{
    size_t more = file->len + (size_t)lacks_line_end(file);

    whole->text = xrealloc(whole->text, whole->len + more + 1);
    memmove(whole->text + at + more, whole->text + at, whole->len - at + 1);
    memcpy(whole->text + at, file->text, file->len);
    if (lacks_line_end(file))
        whole->text[at + file->len] = '\n';
    whole->len += more;
    return more;
}

struct cb_source *cb_source_new_whole(struct cb_source *file)
{
    struct cb_source *whole = xcalloc(1, sizeof(*whole));
    struct cb_source_part part = {0};

    atomic_init(&whole->refs, 1);
    whole->name = xstrdup(file->name);
    whole->text = xstrdup("");
    part.file = add_file(whole, file);
    part.end = insert_text(whole, 0, file);
    cb_vec_push(&whole->parts, part);
    return whole;
}

size_t cb_source_include(struct cb_source *whole, size_t parent, size_t at,
                         struct cb_source *file, struct cb_span include)
{
    struct cb_source_part part = {.start = at, .parent = parent, .include = include};
    size_t more = insert_text(whole, at, file);

    assert(parent < whole->parts.count && at <= whole->parts.items[parent].end);
    part.end = at + more;
    part.file = add_file(whole, file);
    for (;; parent = whole->parts.items[parent].parent) {
        whole->parts.items[parent].end += more;
        if (parent == 0)
            break;
    }
    cb_vec_push(&whole->parts, part);
    return whole->parts.count - 1;
}

size_t cb_source_part_count(const struct cb_source *source)
{
    return source->parts.count;
}

struct cb_span cb_source_part_range(const struct cb_source *whole, size_t index)
{
    const struct cb_source_part *part = &whole->parts.items[index];

    return (struct cb_span){part->start, part->end};
}

struct cb_source *cb_source_part_file(const struct cb_source *whole, size_t index)
{
    return whole->files.items[whole->parts.items[index].file];
}

/* The last part that begins at OFFSET or before. */
static size_t last_before(const struct cb_source *whole, size_t offset)
{
    size_t low = 0, high = whole->parts.count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (whole->parts.items[middle].start <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t cb_source_part_at(const struct cb_source *whole, size_t offset)
{
    size_t index = last_before(whole, offset);

    while (index && offset >= whole->parts.items[index].end)
        index = whole->parts.items[index].parent;
    return index;
}

/* OFFSET of the whole as one of the file of part INDEX. */
static size_t offset_in_part(const struct cb_source *whole, size_t index, size_t offset)
{
    const struct cb_source_part *part = &whole->parts.items[index];
    size_t len = whole->files.items[part->file]->len;
    size_t inside = offset - part->start;

    for (size_t i = index + 1; i < whole->parts.count; i++) {
        const struct cb_source_part *child = &whole->parts.items[i];

        if (child->start > offset || child->start > part->end)
            break;
        if (child->parent == index && child->end <= offset)
            inside -= child->end - child->start;
    }
    return inside < len ? inside : len;
}

const struct cb_source *cb_source_file_at(const struct cb_source *source, size_t *offset)
{
    size_t index;

    if (!source->parts.count)
        return source;
    index = cb_source_part_at(source, *offset);
    *offset = offset_in_part(source, index, *offset);
    return cb_source_part_file(source, index);
}

struct cb_source *cb_source_file(const struct cb_source *source, struct cb_span *span)
{
    size_t index, start = span->start;

    if (!source->parts.count)
        return (struct cb_source *)source;
    index = cb_source_part_at(source, start);
    span->start = offset_in_part(source, index, start);
    span->end = span->end > start ? offset_in_part(source, index, span->end - 1) + 1
                                  : span->start;
    return cb_source_part_file(source, index);
}

int cb_source_includer(const struct cb_source *source, struct cb_span *span)
{
    size_t index = source->parts.count ? cb_source_part_at(source, span->start) : 0;

    if (!index)
        return 0;
    *span = source->parts.items[index].include;
    return 1;
}

void cb_source_add_includers(const struct cb_source *source, struct cb_span span,
                             struct cb_strbuf *out)
{
    const char *between = "included from ";

    for (; cb_source_includer(source, &span); between = ", ") {
        struct cb_span place = span;
        const char *name = cb_source_name(cb_source_file(source, &place));
        unsigned line;

        cb_source_position(source, span.start, &line, NULL);
        cb_strbuf_adds(out, between);
        cb_strbuf_add_escaped(out, name, strlen(name), 0);
        cb_strbuf_addf(out, ":%u", line);
    }
}

/* ── Files ── */

size_t cb_source_file_count(const struct cb_source *source)
{
    return source->parts.count ? source->files.count : 1;
}

struct cb_source *cb_source_nth_file(const struct cb_source *source, size_t index)
{
    return source->parts.count ? source->files.items[index] : (struct cb_source *)source;
}

size_t cb_source_file_index(const struct cb_source *source, const struct cb_source *file)
{
    size_t index = 0;

    while (index < source->files.count && source->files.items[index] != file)
        index++;
    return index;
}
