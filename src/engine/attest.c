/* Attestations of a build's images. What is told of an image does not depend on where it
 * goes but for its subject, so it is put together once, after all steps are done: the
 * same build says the same everywhere. */
#include "engine/engine-priv.h"

#include "base/timestamp.h"
#include "engine/provenance.h"
#include "exporter/sbom.h"
#include "registry/said.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct cb_attesting {
    struct cb_build_env *env;
    const struct cb_checked_request *checked;
    const struct cb_made_list *made;
    struct cb_provenance_facts facts;
    char id[CB_PROVENANCE_ID];
    struct cb_scanned *packages; /* by image; none: not made yet */
    struct cb_attester attester;
    const struct cb_strings *names; /* of the output under way */
    int artifact;
    int kept_artifact; /* of what the store keeps */
};

static void make_id(char id[CB_PROVENANCE_ID])
{
    unsigned char bytes[(CB_PROVENANCE_ID - 1) / 2] = {0};

    (void)!getrandom(bytes, sizeof(bytes), 0);
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static void tell_of_lost(const struct cb_build_env *env,
                         const struct cb_checked_request *checked)
{
    cb_vec_foreach (output, &checked->outputs) {
        int is_file =
            output->type == CB_OUTPUT_DIRECTORY || output->type == CB_OUTPUT_TAR;

        if (output->type == CB_OUTPUT_IMAGE || output->type == CB_OUTPUT_OCI || is_file)
            return;
    }
    cb_event_say(env->sink, CB_EVENT_WARNING, 0,
                 "attestations go nowhere: the result is neither kept nor sent");
}

static int attest(void *arg, size_t image, const struct cb_manifest *manifest,
                  struct cb_attestations *out, struct cb_error **err)
{
    struct cb_attesting *self = arg;
    cb_auto_value(cb_statements) statements = {0};
    cb_auto_value(cb_subjects) subjects = {0};

    if (cb_attesting_statements(self, image, manifest, &statements, err) < 0)
        return -1;
    if (!statements.count)
        return 0;
    cb_subjects_of_image(&subjects, &manifest->digest, self->names,
                         &self->made->items[image].platform);
    cb_vec_push(out,
                cb_attestation_make(manifest, &subjects, &statements, self->artifact));
    return 0;
}

struct cb_attesting *cb_attesting_new(struct cb_build_env *env,
                                      const struct cb_checked_request *checked,
                                      const struct cb_build_request *request,
                                      const struct cb_inputs *inputs,
                                      const struct cb_made_list *made)
{
    const struct cb_attest_options *options = &checked->attest;
    struct cb_attesting *self;

    if (!options->provenance && !options->sbom)
        return NULL;
    tell_of_lost(env, checked);
    self = xcalloc(1, sizeof(*self));
    self->env = env;
    self->checked = checked;
    self->made = made;
    self->facts = (struct cb_provenance_facts){.checked = checked,
                                               .request = request,
                                               .inputs = inputs,
                                               .epoch_s = env->source_date_epoch,
                                               .started_ns = env->started_ns,
                                               .finished = cb_timestamp_now()};
    self->kept_artifact = 1;
    cb_vec_foreach (output, &checked->outputs)
        self->kept_artifact &= !output->no_artifact;
    make_id(self->id);
    self->facts.id = self->id;
    self->packages = xcalloc(made->count + 1, sizeof(*self->packages));
    self->attester = (struct cb_attester){.attest = attest, .arg = self};
    return self;
}

void cb_attesting_free(struct cb_attesting *self)
{
    if (!self)
        return;
    for (size_t i = 0; i < self->made->count; i++)
        cb_scanned_free(&self->packages[i]);
    free(self->packages);
    free(self);
}

const struct cb_attester *cb_attesting_for(struct cb_attesting *self,
                                           const struct cb_output *output,
                                           const struct cb_strings *names)
{
    if (!self)
        return NULL;
    self->names = names;
    self->artifact = !output->no_artifact;
    return &self->attester;
}

/* ── What is said ── */

/* As people call it: its first name, else the stage's. */
static const char *name_of(const struct cb_checked_request *checked,
                           const struct cb_made *made)
{
    return checked->familiar.count ? checked->familiar.items[0] : made->plan->target_name;
}

/* ROOT NULL: no file. NAME is taken. */
static int look_for_packages(struct cb_attesting *self, const char *subject, char *name,
                             struct cb_result *root, struct cb_scanned *out,
                             struct cb_error **err)
{
    struct cb_scanned_document document = {.name = name};
    struct cb_sbom_options options = {.epoch_s = self->env->source_date_epoch,
                                      .created = self->facts.finished,
                                      .cancel = self->env->cancel,
                                      .sink = self->env->sink,
                                      .name = subject,
                                      .root_fd = -1};

    if ((root && cb_result_root(root, &options.root_fd, err) < 0) ||
        cb_sbom_make(&options, &document.spdx, err) < 0) {
        free(name);
        return -1;
    }
    cb_vec_push(out, document);
    return 0;
}

/* The image's own comes first, as with a generator. */
static int find_packages(struct cb_attesting *self, size_t image, struct cb_error **err)
{
    const struct cb_made *made = &self->made->items[image];
    struct cb_scanned *out = &self->packages[image];
    struct cb_result **scanned = made->scanned.items;

    if (out->count)
        return 0;
    if (made->scan.result)
        return cb_scan_read(made, out, err);
    if (look_for_packages(self, name_of(self->checked, made), xstrdup("sbom.spdx.json"),
                          made->result, out, err) < 0)
        return -1;
    cb_vec_foreach (scan, &made->plan->scans) {
        if (look_for_packages(self, scan->name,
                              xasprintf("sbom-%s.spdx.json", scan->name),
                              scan->root.vertex ? *scanned++ : NULL, out, err) < 0)
            return -1;
    }
    return 0;
}

static void add(struct cb_statements *out, const char *type, const char *name,
                json_t *predicate)
{
    struct cb_statement statement = {.type = type, .name = name, .predicate = predicate};

    cb_vec_push(out, statement);
}

int cb_attesting_statements(struct cb_attesting *self, size_t image,
                            const struct cb_manifest *manifest, struct cb_statements *out,
                            struct cb_error **err)
{
    const struct cb_attest_options *options = &self->checked->attest;

    if (options->sbom) {
        if (find_packages(self, image, err) < 0)
            return cb_error_wrap(err, "--sbom");
        cb_vec_foreach (document, &self->packages[image])
            add(out, CB_PREDICATE_SPDX, document->name, json_incref(document->spdx));
    }
    if (options->provenance && (manifest || !options->inline_only)) {
        json_t *predicate = NULL;

        if (cb_provenance_make(&self->facts, &self->made->items[image], manifest,
                               &predicate, err) < 0)
            return cb_error_wrap(err, "--provenance");
        add(out, options->is_v02 ? CB_PREDICATE_SLSA "v0.2" : CB_PREDICATE_SLSA "v1",
            NULL, predicate);
    }
    return 0;
}

/* Of a manifest that is not there yet, and has no layers. */
static int add_said(struct cb_attesting *self, size_t image,
                    struct cb_statements *statements, struct cb_error **err)
{
    const struct cb_manifest none = {0};

    return cb_attesting_statements(self, image, &none, statements, err);
}

/* The image is there already, and good. */
static void tell_of_unkept(const struct cb_build_env *env)
{
    cb_event_say(env->sink, CB_EVENT_WARNING, 0,
                 "the image's attestations take more than %u MiB: they are not kept with "
                 "it, and only what this build itself sends or writes has them",
                 CB_STATEMENT_MAX_BYTES >> 20);
}

int cb_attesting_keep(struct cb_attesting *self, const struct cb_platform_images *images,
                      struct cb_error **err)
{
    const struct cb_platform_image *last = &images->items[images->count - 1];
    cb_autofree struct cb_said_entry *entries = xcalloc(images->count, sizeof(*entries));
    cb_autofree struct cb_statements *said = xcalloc(images->count, sizeof(*said));
    size_t count = 0;
    int status = 0;

    for (size_t i = 0; i < images->count && status == 0; i++) {
        const struct cb_platform_image *image = &images->items[i];

        if (!cb_digest_equal(&image->id, &last->id))
            continue;
        status = add_said(self, i, &said[i], err);
        entries[count++] = (struct cb_said_entry){.platform = &image->platform,
                                                  .statements = &said[i],
                                                  .artifact = self->kept_artifact};
    }
    if (status == 0)
        status = cb_said_keep(self->env->store, &last->id, entries, count, err);
    if (status > 0)
        tell_of_unkept(self->env);
    for (size_t i = 0; i < images->count; i++)
        cb_statements_free(&said[i]);
    return status < 0 ? -1 : 0;
}

int cb_attesting_provenance(struct cb_attesting *self, size_t image, json_t **out,
                            struct cb_error **err)
{
    if (!self || !self->checked->attest.provenance)
        return 0;
    return cb_provenance_make(&self->facts, &self->made->items[image], NULL, out, err);
}

char *cb_attesting_file(const struct cb_attesting *self,
                        const struct cb_statement *statement)
{
    const char *name = self->checked->attest.filename;

    if (strcmp(statement->type, CB_PREDICATE_SPDX) == 0)
        return xstrdup(statement->name);
    return xstrdup(name ? name : "provenance.json");
}
