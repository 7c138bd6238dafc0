/* The table of build checks: a row for each rule. Names, conditions and messages of the
 * first part are BuildKit's, so that a `# check=` comment means the same here and there;
 * those after it are cbuild's own. Each has a page, docs/checks/<page>.md. */
#include "frontend/frontend.h"

#include "base/suggest.h"

#include <string.h>

#define BUILDKIT_PAGES "https://docs.docker.com/go/dockerfile/rule/"

static const struct cb_rule rules[] = {
    {"StageNameCasing", "stage-name-casing", "Stage names should be lowercase",
     CB_RULE_ALWAYS, 1},
    {"FromAsCasing", "from-as-casing",
     "The 'as' keyword should match the case of the 'from' keyword", CB_RULE_ALWAYS, 1},
    {"NoEmptyContinuation", "no-empty-continuation",
     "Empty continuation lines will become errors in a future release", CB_RULE_ALWAYS,
     1},
    {"ConsistentInstructionCasing", "consistent-instruction-casing",
     "All commands within the Dockerfile should use the same casing (either upper or "
     "lower)",
     CB_RULE_ALWAYS, 1},
    {"DuplicateStageName", "duplicate-stage-name", "Stage names should be unique",
     CB_RULE_ALWAYS, 1},
    {"ReservedStageName", "reserved-stage-name",
     "Reserved words should not be used as stage names", CB_RULE_ALWAYS, 1},
    {"JSONArgsRecommended", "json-args-recommended",
     "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior "
     "related to OS signals",
     CB_RULE_ALWAYS, 1},
    {"MaintainerDeprecated", "maintainer-deprecated",
     "The MAINTAINER instruction is deprecated, use a label instead to define an image "
     "author",
     CB_RULE_ALWAYS, 1},
    {"UndefinedArgInFrom", "undefined-arg-in-from", "FROM command must use declared ARGs",
     CB_RULE_ALWAYS, 1},
    {"WorkdirRelativePath", "workdir-relative-path",
     "Relative workdir without an absolute workdir declared within the build can have "
     "unexpected results if the base image changes",
     CB_RULE_ALWAYS, 1},
    {"UndefinedVar", "undefined-var", "Variables should be defined before their use",
     CB_RULE_ALWAYS, 1},
    {"MultipleInstructionsDisallowed", "multiple-instructions-disallowed",
     "Multiple instructions of the same type should not be used in the same stage",
     CB_RULE_ALWAYS, 1},
    {"LegacyKeyValueFormat", "legacy-key-value-format",
     "Legacy key/value format with whitespace separator should not be used",
     CB_RULE_ALWAYS, 1},
    {"InvalidBaseImagePlatform", "invalid-base-image-platform",
     "Base image platform does not match expected target platform", CB_RULE_ALWAYS, 1},
    {"RedundantTargetPlatform", "redundant-target-platform",
     "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the "
     "default behavior",
     CB_RULE_ALWAYS, 1},
    {"SecretsUsedInArgOrEnv", "secrets-used-in-arg-or-env",
     "Sensitive data should not be used in the ARG or ENV commands", CB_RULE_ALWAYS, 1},
    {"InvalidDefaultArgInFrom", "invalid-default-arg-in-from",
     "Default value for global ARG results in an empty or invalid base image name",
     CB_RULE_ALWAYS, 1},
    {"FromPlatformFlagConstDisallowed", "from-platform-flag-const-disallowed",
     "FROM --platform flag should not use a constant value", CB_RULE_ALWAYS, 1},
    {"CopyIgnoredFile", "copy-ignored-file",
     "Attempting to Copy file that is excluded by .dockerignore", CB_RULE_ALWAYS, 1},
    {"InvalidDefinitionDescription", "invalid-definition-description",
     "Comment for build stage or argument should follow the format: `# <arg/stage name> "
     "<description>`. If this is not intended to be a description comment, add an empty "
     "line or comment between the instruction and the comment.",
     CB_RULE_ON_REQUEST, 1},
    {"ExposeProtoCasing", "expose-proto-casing",
     "Protocol in EXPOSE instruction should be lowercase", CB_RULE_ALWAYS, 1},
    {"ExposeInvalidFormat", "expose-invalid-format",
     "IP address and host-port mapping should not be used in EXPOSE instruction. This "
     "will become an error in a future release",
     CB_RULE_ALWAYS, 1},

    {"InvalidJSONForm", "invalid-json-form",
     "Arguments that look like a JSON array but are none are taken as plain text",
     CB_RULE_ALWAYS, 0},
    {"ArgOutsideStage", "arg-outside-stage",
     "An ARG before the first FROM is not set in RUN steps unless the stage repeats it",
     CB_RULE_ALWAYS, 0},
    {"AptUpdateAlone", "apt-update-alone",
     "Package lists of a step of their own are out of date when a later step uses them",
     CB_RULE_CHECKING, 0},
    {"AptUpgrade", "apt-upgrade",
     "Upgrading all packages of the base image gives another image every day",
     CB_RULE_CHECKING, 0},
    {"AddThenExtract", "add-then-extract",
     "An archive that ADD downloads and RUN unpacks stays in the image as well",
     CB_RULE_CHECKING, 0},
    {"ChangeAfterCopy", "change-after-copy",
     "Changing owner or mode of copied files in a RUN step stores them twice",
     CB_RULE_CHECKING, 0},
    {"LatestBaseImage", "latest-base-image",
     "A base image without a version may be another one tomorrow", CB_RULE_LINTING, 0},
    {"MissingDockerignore", "missing-dockerignore",
     "Copying a whole context without an ignore file copies what no image needs",
     CB_RULE_CHECKING, 0},
    {"UnusedStage", "unused-stage", "A stage that nothing uses is never built",
     CB_RULE_CHECKING, 0},
};

const struct cb_rule *cb_rules(size_t *count)
{
    *count = CB_ARRAY_SIZE(rules);
    return rules;
}

const struct cb_rule *cb_rule_find(const char *name)
{
    for (size_t i = 0; name && i < CB_ARRAY_SIZE(rules); i++) {
        if (!strcmp(rules[i].name, name))
            return &rules[i];
    }
    return NULL;
}

const char *cb_rule_suggest(const char *name)
{
    const char *names[CB_ARRAY_SIZE(rules)];

    for (size_t i = 0; i < CB_ARRAY_SIZE(rules); i++)
        names[i] = rules[i].name;
    return cb_suggest(name, names, CB_ARRAY_SIZE(rules));
}

char *cb_rule_url(const struct cb_rule *rule)
{
    /* BuildKit has no page of this one. */
    if (!rule->is_buildkits || !strcmp(rule->name, "InvalidBaseImagePlatform"))
        return NULL;
    return xasprintf(BUILDKIT_PAGES "%s/", rule->page);
}
