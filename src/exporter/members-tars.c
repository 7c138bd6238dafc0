/* In an archive that is a file and not compressed their places are those of the file:
 * what its bytes are made of is seen as they stream by (tar-split.h). Any other is copied
 * into a spool first. */
#include "exporter/members-tars.h"

#include "store/spool.h"
#include "store/tar-split.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_BUFFER (256u << 10)

struct place {
    int64_t at, size;
};

struct cb_member_tars {
    struct cb_archive_env *env;
    struct cb_tar_reader *reader;
    int fd;       /* borrowed */
    int in_place; /* in FD itself, from START on */
    off_t start;
    struct cb_tar_split split;
    CB_VEC(struct place) places;
    size_t entries;         /* with data, so far */
    int lost;               /* the archive is a strange one: places say nothing */
    struct cb_spool *spool; /* or NULL */
};

void cb_member_tars_free(struct cb_member_tars *tars)
{
    if (!tars)
        return;
    cb_vec_free(&tars->places);
    cb_spool_free(tars->spool);
    free(tars);
}

/* ── Where they are ── */

static int note_places(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct cb_member_tars *tars = arg;
    const unsigned char *at = bytes;

    while (len && !tars->lost) {
        struct place place = {.at = (int64_t)tars->split.at};
        struct cb_tar_part part;
        ssize_t used = cb_tar_split_take(&tars->split, at, len, &part, err);

        if (used < 0)
            return -1;
        place.size = (int64_t)part.begins;
        if (place.size)
            cb_vec_push(&tars->places, place);
        tars->lost = tars->places.count > 2 * CB_ARCHIVE_MAX_MEMBERS;
        at += used;
        len -= (size_t)used;
    }
    return 0;
}

struct cb_member_tars *cb_member_tars_new(struct cb_archive_env *env,
                                          struct cb_tar_reader *reader, int fd,
                                          off_t start)
{
    struct cb_member_tars *tars = xcalloc(1, sizeof(*tars));
    struct stat st;

    tars->env = env;
    tars->reader = reader;
    tars->fd = fd;
    tars->start = start;
    tars->in_place = cb_tar_reader_no_digest(reader) && start >= 0 &&
                     fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    cb_tar_split_init(&tars->split);
    if (tars->in_place)
        cb_tar_reader_tap(reader, note_places, tars);
    return tars;
}

void cb_member_tars_entry(struct cb_member_tars *tars, const struct cb_tar_entry *entry)
{
    tars->entries += entry->size > 0;
}

/* The entry's place is the one of its number, if the sizes are the same. Of a strange
 * archive it may be another's; the bytes are verified before they count. */
static int find_place(const struct cb_member_tars *tars, struct cb_member *member)
{
    const struct place *place;

    if (tars->lost || tars->entries > tars->places.count)
        return 0;
    place = &tars->places.items[tars->entries - 1];
    if (place->size != member->size)
        return 0;
    member->at = tars->start + place->at;
    return 1;
}

/* ── Copies ── */

static int copy_rest(struct cb_member_tars *tars, struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(DATA_BUFFER);
    ssize_t len;

    while ((len = cb_tar_reader_data(tars->reader, buffer, DATA_BUFFER, err)) > 0) {
        if (cb_cancel_check(tars->env->cancel, err) < 0 ||
            cb_spool_write(tars->spool, buffer, (size_t)len, err) < 0)
            return -1;
    }
    return len < 0 ? -1 : 0;
}

static int copy(struct cb_member_tars *tars, const unsigned char *head,
                struct cb_member *member, struct cb_error **err)
{
    if (!tars->spool && cb_spool_new(tars->env->store, &tars->spool, err) < 0)
        return -1;
    member->at = cb_spool_size(tars->spool);
    if (cb_spool_write(tars->spool, head, CB_MEMBER_HEAD, err) < 0 ||
        copy_rest(tars, err) < 0)
        return -1;
    return 1;
}

int cb_member_tars_leave(struct cb_member_tars *tars, const unsigned char *head,
                         struct cb_member *member, struct cb_error **err)
{
    if (!cb_tar_is_header(head))
        return 0;
    return tars->in_place ? find_place(tars, member) : copy(tars, head, member, err);
}

int cb_member_tars_fd(struct cb_member_tars *tars)
{
    if (tars->in_place)
        return fcntl(tars->fd, F_DUPFD_CLOEXEC, 0);
    return tars->spool ? cb_spool_take_fd(tars->spool) : -1;
}
