/* What SQLite calls for SQL's mathematical functions gives what the C library's do. */
#include "base/alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int is_nearly(double got, double expected)
{
    return fabs(got - expected) < 1e-12;
}

static void each_function_is_the_librarys(void **state)
{
    static const struct {
        double (*function)(double);
        double of, is;
    } ones[] = {
        {acos, 0.5, 1.0471975511965979},
        {acosh, 2, 1.3169578969248166},
        {asin, 0.5, 0.5235987755982989},
        {asinh, 2, 1.4436354751788103},
        {atan, 0.5, 0.4636476090008061},
        {atanh, 0.5, 0.5493061443340549},
        {cos, 0.5, 0.8775825618903728},
        {cosh, 0.5, 1.1276259652063807},
        {exp, 0.5, 1.6487212707001282},
        {log, 0.5, -0.6931471805599453},
        {log10, 1000, 3},
        {log2, 1024, 10},
        {sin, 0.5, 0.4794255386042030},
        {sinh, 0.5, 0.5210953054937474},
        {sqrt, 2, 1.4142135623730951},
        {tan, 0.5, 0.5463024898437905},
        {tanh, 0.5, 0.4621171572600098},
        {trunc, -1.5, -1},
    };
    static const struct {
        double (*function)(double, double);
        double of, and, is;
    } twos[] = {
        {atan2, 1, -1, 2.356194490192345}, {fmod, 7.5, 2, 1.5}, {pow, 2, 10, 1024}};

    for (size_t i = 0; i < CB_ARRAY_SIZE(ones); i++)
        assert_true(is_nearly(ones[i].function(ones[i].of), ones[i].is));
    for (size_t i = 0; i < CB_ARRAY_SIZE(twos); i++)
        assert_true(is_nearly(twos[i].function(twos[i].of, twos[i].and), twos[i].is));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_function_is_the_librarys)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
