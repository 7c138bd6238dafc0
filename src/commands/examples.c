/* What people most often want of a command, for its help and its manual page: command
 * lines with a word about each. tests/lint/help.sh looks whether there are such
 * options. */
#include "commands/help.h"

#include <string.h>

static const struct {
    const char *name, *text;
} examples[] = {
    {"build",
     "cbuild build -t app .\n"
     "cbuild build -t app -f ci.Dockerfile --target test --build-arg V=2 .\n"
     "cbuild build --secret id=token,src=token.txt -t app .\n"
     "cbuild build --push -t registry.example/app:1 .\n"
     "cbuild build --platform linux/amd64,linux/arm64 -o type=oci,dest=app.tar .\n"
     "cbuild build -o out .        # the files of the last stage, in ./out\n"
     "cbuild build --check .       # only look for mistakes\n"},
    {"run", "cbuild run --rm -it debian sh            # a shell; nothing is left of it\n"
            "cbuild run -d --name web -p 8080:80 --restart unless-stopped nginx\n"
            "cbuild run --rm -v \"$PWD\":/src -w /src golang go build\n"
            "cbuild run --rm -e DEBUG=1 -m 512m app\n"},
    {"images", "cbuild images --filter dangling=true\n"
               "cbuild images --format '{{.Repository}}:{{.Tag}} {{.Size}}'\n"},
    {"ps", "cbuild ps -a\n"
           "cbuild ps --filter status=exited --format '{{.Names}}: {{.Status}}'\n"},
    {"exec", "cbuild exec -it web sh\n"
             "cbuild exec -u root -e DEBUG=1 web env\n"},
    {"cp", "cbuild cp web:/etc/nginx/nginx.conf .\n"
           "cbuild cp site/. web:/usr/share/nginx/html\n"},
    {"logs", "cbuild logs -f --tail 20 web\n"},
    {"save", "cbuild save -o app.tar app:1 app:2\n"
             "cbuild save app | ssh host docker load\n"},
    {"push", "cbuild push registry.example/app:1\n"
             "cbuild push app registry.example/app:1 registry.example/app:latest\n"},
    {"copy", "cbuild copy --all docker://a.example/app:1 docker://b.example/app:1\n"
             "cbuild copy docker://a.example/app:1 oci-archive:app.tar\n"},
    {"login",
     "cbuild login -u me registry.example\n"
     "printf %s \"$TOKEN\" | cbuild login -u me --password-stdin registry.example\n"},
    {"inspect", "cbuild inspect -f '{{json .Config.Env}}' app\n"
                "cbuild inspect -f '{{.State.Status}}' web\n"},
    {"lint", "cbuild lint Dockerfile ci.Dockerfile\n"
             "cbuild lint --format sarif > lint.sarif\n"},
    {"graph", "cbuild graph\n"
              "cbuild graph --build last --format html -o build.html\n"},
    {"squash", "cbuild squash -t app:small app\n"},
    {"import", "cbuild import -c 'CMD [\"sh\"]' rootfs.tar.gz base:1\n"},
    {"commit", "cbuild commit -m 'with the fix' -c 'CMD [\"app\"]' web app:fixed\n"},
    {"prune", "cbuild prune --filter until=168h\n"
              "cbuild prune --max-used-space 20g\n"},
    {"events", "cbuild events --since 1h --until 0s --filter type=container\n"},
    {"cache push", "cbuild cache push --list\n"
                   "cbuild cache push registry.example/app:cache\n"},
    {"cache export", "cbuild cache export npm npm.tar.zst\n"},
    {"manifest create",
     "cbuild manifest create r.example/app r.example/app:amd64 r.example/app:arm64\n"
     "cbuild manifest push r.example/app\n"},
    {"network create", "cbuild network create --subnet 10.9.0.0/24 backend\n"},
    {"volume create", "cbuild volume create data\n"
                      "cbuild volume create -o type=tmpfs -o device=tmpfs scratch\n"},
};

const char *cb_command_examples(const struct cb_cli_command *command)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(examples); i++)
        if (strcmp(examples[i].name, command->name) == 0)
            return examples[i].text;
    return NULL;
}
