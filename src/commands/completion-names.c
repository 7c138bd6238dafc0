/* Names that are in the store, and stages. */
#include "commands/completion.h"

#include "commands/network.h"
#include "container/record.h"
#include "container/volume.h"
#include "engine/engine.h"
#include "network/named.h"
#include "parser/parser.h"
#include "store/cache-mount.h"
#include "store/outbox.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Nothing that a shell, into whose line it is put as it is, would take for more than a
 * word: some names are chosen by Dockerfiles. */
static int is_plain(const char *name)
{
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("_@%+=:,./-", *c))
            return 0;
    }
    return *name != '\0';
}

void cb_complete_offer(const struct cb_completion *at, const char *candidate,
                       const char *help)
{
    if (is_plain(candidate) && strncmp(candidate, at->word, strlen(at->word)) == 0)
        printf(help ? "%s%s\t%s\n" : "%s%s\n", at->prefix, candidate, help);
}

void cb_complete_words(const struct cb_completion *at, const char *words)
{
    while (*words) {
        size_t len = strcspn(words, " ");
        cb_autofree char *one = xstrndup(words, len);

        cb_complete_offer(at, one, NULL);
        words += len + (words[len] == ' ');
    }
}

void cb_complete_images(const struct cb_completion *at)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_images) images = {0};

    if (cb_app_store(at->app, CB_STORE_EXISTING, &store, NULL) < 0 ||
        cb_image_list(store, &images, NULL) < 0)
        return;
    cb_vec_foreach (image, &images) {
        for (size_t i = 0; i < (*image)->names.count; i++) {
            cb_auto(cb_reference) reference = NULL;
            cb_autofree char *name = NULL;

            if (cb_reference_parse(&reference, (*image)->names.items[i], NULL) < 0)
                continue;
            name = cb_reference_familiar(reference);
            cb_complete_offer(at, name, NULL);
        }
    }
}

void cb_complete_containers(const struct cb_completion *at)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_containers) containers = {0};

    if (cb_app_store(at->app, CB_STORE_EXISTING, &store, NULL) < 0 ||
        cb_containers_list(store, &containers, NULL) < 0)
        return;
    cb_vec_foreach (container, &containers)
        cb_complete_offer(at, (*container)->name, NULL);
}

void cb_complete_builds(const struct cb_completion *at)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_strings) ids = {0};

    cb_complete_offer(at, "last", NULL);
    if (cb_app_store(at->app, CB_STORE_EXISTING, &store, NULL) < 0 ||
        cb_builds_list(store, &ids, NULL) < 0)
        return;
    for (size_t i = 0; i < ids.count; i++)
        cb_complete_offer(at, ids.items[i], NULL);
}

void cb_complete_caches(const struct cb_completion *at)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_cache_mounts) mounts = {0};

    if (cb_app_store(at->app, CB_STORE_EXISTING, &store, NULL) < 0 ||
        cb_cache_mount_list(store, &mounts, NULL) < 0)
        return;
    cb_vec_foreach (mount, &mounts)
        cb_complete_offer(at, is_plain(mount->id) ? mount->id : mount->name, NULL);
}

void cb_complete_outbox(const struct cb_completion *at)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_outbox) outbox = {0};

    if (cb_app_store(at->app, CB_STORE_EXISTING, &store, NULL) < 0 ||
        cb_outbox_list(store, &outbox, NULL) < 0)
        return;
    cb_vec_foreach (entry, &outbox)
        cb_complete_offer(at, (*entry)->name, NULL);
}

void cb_complete_networks(const struct cb_completion *at)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_store) same = NULL;
    cb_auto_value(cb_network_defs) defs = {0};
    cb_autofree char *dir = NULL;

    if (cb_app_store(at->app, CB_STORE_EXISTING, &store, NULL) < 0)
        return;
    dir = cb_network_state_dir(at->app, &same, NULL);
    if (!dir || cb_networks_list(dir, &defs, NULL) < 0)
        return;
    cb_vec_foreach (def, &defs)
        cb_complete_offer(at, (*def)->name, NULL);
}

void cb_complete_volumes(const struct cb_completion *at)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_volumes) volumes = {0};

    if (cb_app_store(at->app, CB_STORE_EXISTING, &store, NULL) < 0 ||
        cb_volumes_list(store, &volumes, NULL) < 0)
        return;
    cb_vec_foreach (volume, &volumes)
        cb_complete_offer(at, (*volume)->name, NULL);
}

/* ── Stages ── */

/* The Dockerfile of a directory that is among the words before. */
static char *dockerfile_in(int argc, char **argv)
{
    for (int i = argc - 1; i > 0; i--) {
        for (const char *const *name = cb_dockerfile_names; *name; name++) {
            cb_autofree char *path = xasprintf("%s/%s", argv[i], *name);
            struct stat st;

            if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
                return cb_steal(&path);
        }
    }
    return NULL;
}

void cb_complete_stages(const struct cb_completion *at)
{
    cb_auto(cb_source) source = NULL;
    cb_auto(cb_dockerfile) dockerfile = NULL;
    cb_autofree char *path = NULL;

    for (int i = 0; i + 1 < at->argc && !path; i++)
        if (strcmp(at->argv[i], "-f") == 0 || strcmp(at->argv[i], "--file") == 0)
            path = xstrdup(at->argv[i + 1]);
    if (!path)
        path = dockerfile_in(at->argc, at->argv);
    if ((path && strcmp(path, "-") == 0) ||
        cb_app_dockerfile(NULL, path, NULL, &source, NULL) < 0 ||
        cb_dockerfile_parse(&dockerfile, source, NULL) < 0)
        return;
    for (size_t i = 0; i < dockerfile->stage_count; i++)
        if (dockerfile->stages[i].name)
            cb_complete_offer(at, dockerfile->stages[i].name, NULL);
}
