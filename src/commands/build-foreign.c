/* Options of buildah and kaniko for building, and what does the same here. */
#include "commands/build.h"

#define CERTIFICATES "--cert-dir, or `certs-dirs` in the configuration, see cbuild(1)"
#define NAMESPACE    "steps have namespaces of their own; --network and --allow open them"

#define FORM       "-o type=registry,compression=zstd,force-compression=true"
#define OWN_FILES  "/etc/hosts and /etc/hostname of steps are no part of the image"
#define SANDBOX    "steps run in cbuild's own sandbox: leave the option out"
#define SBOM       "--sbom=true, or --sbom=generator=IMAGE"
#define SIGNATURES "images are not signed here: sign what was pushed, by its digest"
#define USAGE_OF   "`cbuild builds show` says what each step took"

const struct cb_absent_option cb_build_foreign[] = {
    {"all-platforms", 0, "--platform names those that are wanted"},
    {"blob-cache", 0, "what was fetched is kept in the store: leave the option out"},
    {"cap-add", 0, "`RUN --security=insecure` with --allow security.insecure"},
    {"cap-drop", 0, "steps have docker's capabilities; a RUN can drop more: setpriv"},
    {"cgroupns", 0, NAMESPACE},
    {"compat-volumes", 0, "what is put below a VOLUME is kept: leave the option out"},
    {"compression-format", 0, FORM},
    {"cpp-flag", 0, "run the preprocessor, and give its output with `-f -`"},
    {"created-annotation", 0, "--annotation says what is to be annotated"},
    {"cw", 0, "images for confidential machines are not made"},
    {"decryption-key", 0, "images that are encrypted cannot be read"},
    {"disable-compression", 0, FORM},
    {"force-compression", 0, FORM},
    {"git", 0, "the context's URL names branch, tag or commit: URL#REF"},
    {"hooks-dir", 0, "steps run in cbuild's own sandbox, without hooks"},
    {"http-proxy", 0, "--build-arg HTTP_PROXY= takes the proxy from steps"},
    {"ignore-path", 0, "a .dockerignore, or --ignorefile"},
    {"iidfile-raw", 0, "--iidfile, and what follows `sha256:` there"},
    {"inherit-annotations", 0, "a base image's annotations are not taken over"},
    {"inherit-labels", 0, "--unset label for all of them, or label:NAME"},
    {"ipc", 0, NAMESPACE},
    {"layer-label", 0, "--label labels the image"},
    {"log-rusage", 0, USAGE_OF},
    {"loglevel", 0, "`cbuild --debug build` tells more"},
    {"logsplit", 0, "--logfile, and a build for each platform"},
    {"manifest", 0, "-t NAME is the index if --platform names several"},
    {"mount", 0, "--volume, or `RUN --mount`"},
    {"no-hostname", 0, OWN_FILES},
    {"no-hosts", 0, OWN_FILES},
    {"os-feature", 0, "the base image's are kept: leave the option out"},
    {"os-version", 0, "the base image's is kept: leave the option out"},
    {"pid", 0, NAMESPACE},
    {"push-ignore-immutable-tag-errors", 0, "push to a tag of its own"},
    {"registry-certificate", 0, CERTIFICATES},
    {"registry-client-cert", 0, CERTIFICATES},
    {"retry-delay", 0, "a step is tried again at once: leave the option out"},
    {"rewrite-timestamp", 0, "--timestamp sets the files' times, too"},
    {"runtime", 0, SANDBOX},
    {"runtime-flag", 0, SANDBOX},
    {"rusage-logfile", 0, USAGE_OF},
    {"save-stages", 0, "--target STAGE -t NAME, for each of several stages"},
    {"sbom-image-output", 0, SBOM},
    {"sbom-image-purl-output", 0, SBOM},
    {"sbom-merge-strategy", 0, SBOM},
    {"sbom-output", 0, SBOM},
    {"sbom-purl-output", 0, SBOM},
    {"sbom-scanner-command", 0, SBOM},
    {"sbom-scanner-image", 0, SBOM},
    {"sign-by", 0, SIGNATURES},
    {"signature-policy", 0, SIGNATURES},
    {"source-policy-file", 0, "--locked takes only what a lock file has"},
    {"squash-all", 0, "--squash makes one layer of those since the base image"},
    {"stage-labels", 0, "--label labels the image"},
    {"stdin", 0, "steps read nothing: COPY a file, or mount it"},
    {"tmpfs", 0, "`RUN --mount=type=tmpfs,target=DIR`"},
    {"unsetannotation", 0, "a base image's annotations are not taken over"},
    {"userns", 0, NAMESPACE},
    {"userns-gid-map", 0, NAMESPACE},
    {"userns-gid-map-group", 0, NAMESPACE},
    {"userns-uid-map", 0, NAMESPACE},
    {"userns-uid-map-user", 0, NAMESPACE},
    {"uts", 0, NAMESPACE},
    {0},
};
