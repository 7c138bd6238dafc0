/* Templates of any bytes over a document: they end, with text or an error. */
#include "base/json.h"
#include "base/template.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
    "{\"Name\":\"/web\",\"Count\":3,\"Size\":1.5,\"On\":true,\"None\":null,"
    "\"List\":[\"a\",\"b\",{\"X\":1}],\"Map\":{\"k\":\"v\",\"a.b\":\"c\"}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cb_autofree char *text = xstrndup((const char *)data, size);
    cb_auto(cb_template) template = NULL;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto_json *dot = NULL;

    if (cb_json_parse(&dot, "document", document, strlen(document), 1 << 20, NULL) < 0)
        abort();
    if (cb_template_parse(&template, text, &error) == 0)
        cb_template_execute(template, dot, &out, &error);
    return 0;
}
