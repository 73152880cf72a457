#include "tag_columns.h"

#include <string.h>

#include "phrase.h"
#include "sheet_words.h"
#include "text.h"

#define WORDS(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

const struct column_kind tag_columns[TAG_COLUMNS] = {
    [COLUMN_NAME] = {"name",
                     WORDS("name", "tag", "tagname", "variable", "variablename", "变量名",
                           "变量名称", "变量", "标签", "标签名", "点名", "名称"),
                     "name", "the tags' names", false},
    [COLUMN_AT] = {"address",
                   WORDS("address", "at", "addr", "register", "registeraddress", "reg",
                         "modbusaddress", "plcaddress", "device", "地址", "寄存器地址", "寄存器",
                         "modbus地址", "plc地址", "变量地址", "软元件"),
                   "at", "where the tags stand", true},
    [COLUMN_TABLE] = {"table",
                      WORDS("table", "area", "registertype", "function", "functioncode",
                            "寄存器类型", "寄存器区", "区域", "功能码"),
                      "", NULL, true},
    [COLUMN_TYPE] = {"type",
                     WORDS("type", "datatype", "format", "dataformat", "类型", "数据类型",
                           "变量类型", "数据格式"),
                     "type", NULL, true},
    [COLUMN_ORDER] = {"order",
                      WORDS("order", "byteorder", "wordorder", "字节序", "字节顺序", "字序"),
                      "order", NULL, true},
    [COLUMN_SCALE] = {"scale",
                      WORDS("scale", "factor", "ratio", "multiplicator", "coefficient", "倍率",
                            "系数", "比例", "缩放", "比例系数"),
                      "scale", NULL, false},
    [COLUMN_OFFSET] = {"offset", WORDS("offset", "偏移", "偏移量", "偏置"), "offset", NULL, false},
    [COLUMN_UNIT] = {"unit", WORDS("unit", "units", "engineeringunit", "单位", "工程单位"), "unit",
                     NULL, false},
    [COLUMN_EVERY] = {"period",
                      WORDS("period", "every", "interval", "cycle", "pollinterval", "scanrate",
                            "采集周期", "周期", "采样周期", "采集间隔", "轮询周期"),
                      "every", NULL, false},
    [COLUMN_DEADBAND] = {"deadband", WORDS("deadband", "死区", "变化阈值"), "deadband", NULL,
                         false},
    [COLUMN_HEARTBEAT] = {"heartbeat", WORDS("heartbeat", "心跳", "上报周期"), "heartbeat", NULL,
                          false},
    [COLUMN_LOW] = {"low",
                    WORDS("low", "min", "minimum", "lowest", "rangelow", "下限", "最小值",
                          "量程下限"),
                    "range", NULL, true},
    [COLUMN_HIGH] = {"high",
                     WORDS("high", "max", "maximum", "highest", "rangehigh", "上限", "最大值",
                           "量程上限"),
                     "", NULL, true},
    [COLUMN_COUNTS] = {"counts", WORDS("counts", "counter", "计数", "计数内容"), "counts counter",
                       NULL, true},
    [COLUMN_KIND] = {"counter kind", WORDS("counterkind", "kind", "计数方式"), "kind", NULL, true},
    [COLUMN_MODULUS] = {"modulus", WORDS("modulus", "模数", "计数模数"), "modulus", NULL, true},
    [COLUMN_MAX_RATE] = {"max rate", WORDS("maxrate", "最大速率", "最高速率"), "max_rate", NULL,
                         true},
    [COLUMN_MULTIPLIER] = {"multiplier", WORDS("multiplier", "计数倍数"), "multiplier", NULL, true},
    [COLUMN_RAW] = {"raw", WORDS("raw", "tellraw", "原始值"), "raw", NULL, true},
    [COLUMN_STATES] = {"states", WORDS("states", "状态表"), "states state reason", NULL, true},
    [COLUMN_LIMIT_LOW] = {"limit low",
                          WORDS("limitlow", "lowlimit", "lowalarm", "alarmlow", "报警下限",
                                "低限报警", "低报"),
                          "limits low", NULL, true},
    [COLUMN_LIMIT_HIGH] = {"limit high",
                           WORDS("limithigh", "highlimit", "highalarm", "alarmhigh", "报警上限",
                                 "高限报警", "高报"),
                           "high", NULL, true},
    [COLUMN_HYSTERESIS] = {"hysteresis", WORDS("hysteresis", "回差", "迟滞"), "hysteresis", NULL,
                           true},
    [COLUMN_TITLE_EN] = {"title (en)",
                         WORDS("title(en)", "title(english)", "titleen", "englishtitle",
                               "englishname", "英文名", "英文名称", "英文说明", "说明(英文)"),
                         "en", NULL, false},
    [COLUMN_TITLE_ZH] = {"title (zh)",
                         WORDS("title(zh)", "title(chinese)", "titlezh", "chinesetitle",
                               "chinesename", "中文名", "中文名称", "中文说明", "说明(中文)"),
                         "zh", NULL, false},
    [COLUMN_TITLE] = {"title",
                      WORDS("title", "description", "desc", "label", "comment", "说明", "描述",
                            "注释", "变量说明", "变量描述", "名称"),
                      "title", NULL, false},
};

const struct column_kind machine_columns[MACHINE_COLUMNS] = {
    [MACHINE_COLUMN_NAME] = {"name",
                             WORDS("name", "machine", "machinename", "device", "devicename", "名称",
                                   "机器", "机器名", "机器名称", "设备", "设备名", "设备名称"),
                             "name", "the machines' names", false},
    [MACHINE_COLUMN_LINK] = {"link",
                             WORDS("link", "line", "channel", "链路", "连接", "通道", "线路"),
                             "link", "the links that they are on", false},
    [MACHINE_COLUMN_UNIT] = {"unit",
                             WORDS("unit", "unitid", "slave", "slaveid", "station", "站号", "从站",
                                   "从站号", "从站地址", "从机地址", "单元号"),
                             "unit", NULL, false},
    [MACHINE_COLUMN_PROFILE] = {"profile", WORDS("profile", "template", "模板", "配置", "型号"),
                                "profile", NULL, false},
    [MACHINE_COLUMN_EVERY] = {"every",
                              WORDS("every", "period", "interval", "周期", "采集周期", "采样周期"),
                              "every", NULL, false},
    [MACHINE_COLUMN_CALENDAR] = {"calendar", WORDS("calendar", "日历", "班次"), "calendar", NULL,
                                 false},
    [MACHINE_COLUMN_IDEAL_RATE] = {"ideal rate", WORDS("idealrate", "理想速度", "额定速度"),
                                   "ideal_rate", NULL, false},
};

static bool has_word(const struct column_kind *kind, const char *folded)
{
    for (size_t i = 0; kind->words[i]; i++)
        if (strcmp(kind->words[i], folded) == 0)
            return true;
    return false;
}

/* What a header says in brackets of the numbers below it: "周期(毫秒)", "address (hex)". */
static const char *unit_of(const char *brackets)
{
    static const struct {
        const char *word, *unit;
    } units[] = {
        {"(ms)", "ms"},        {"(毫秒)", "ms"},    {"(s)", "s"},         {"(sec)", "s"},
        {"(秒)", "s"},         {"(min)", "m"},      {"(分)", "m"},        {"(分钟)", "m"},
        {"(hex)", "hex"},      {"(h)", "hex"},      {"(0x)", "hex"},      {"(16进制)", "hex"},
        {"(十六进制)", "hex"}, {"(dec)", "dec"},    {"(decimal)", "dec"}, {"(10进制)", "dec"},
        {"(十进制)", "dec"},   {"(modbus)", "dec"}, {"(plc)", "dec"}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].word, brackets) == 0)
            return units[i].unit;
    return "";
}

/* The kind of column with such a header: one that nothing has been found for yet, if several know
 * the word; `count` where there is none. */
static size_t find_kind(const struct column_kind *kinds, size_t count, const char *folded,
                        const struct columns *found)
{
    size_t first = count;

    for (size_t i = 0; i < count; i++) {
        if (!has_word(&kinds[i], folded))
            continue;
        if (found->at[i] == SHEET_NO_COLUMN)
            return i;
        first = first == count ? i : first;
    }
    return first;
}

/* Whether several kinds know the word, as 名称 may be a tag's name or its title. */
static bool is_doubtful(const struct column_kind *kinds, size_t count, const char *folded)
{
    size_t knowing = 0;

    for (size_t i = 0; i < count; i++)
        knowing += has_word(&kinds[i], folded);
    return knowing > 1;
}

struct finding {
    const struct sheet *sheet;
    const struct column_kind *kinds;
    size_t count;
    struct columns *columns;
    bool *is_known;
    struct sheet_faults *faults;
};

static void take_column(struct finding *finding, size_t column, const char *folded,
                        const char *brackets)
{
    struct columns *columns = finding->columns;
    size_t kind = find_kind(finding->kinds, finding->count, folded, columns);

    if (kind == finding->count)
        return;
    finding->is_known[column] = true;
    if (columns->at[kind] != SHEET_NO_COLUMN) {
        const char *other = finding->sheet->header.cells[columns->at[kind]].text;
        sheet_fault_add(finding->faults, finding->sheet->header.number, column,
                        "means \"%s\", as %s does; expected one of them",
                        finding->kinds[kind].title, phrase_quote(other).text);
        return;
    }
    columns->at[kind] = column;
    columns->unit[kind] = unit_of(brackets);
    bool is_address = finding->kinds == tag_columns && kind == COLUMN_AT;
    if (is_address && brackets[0] != '\0' && columns->unit[kind][0] == '\0')
        sheet_fault_add(finding->faults, finding->sheet->header.number, column,
                        "%s may say how the addresses count; expected nothing, (hex) or (dec)",
                        phrase_quote(brackets).text);
}

/* A header with what stands in brackets behind it, or without. */
static void look_at(struct finding *finding, size_t column, bool doubtful)
{
    struct text folded = {0};

    sheet_fold(finding->sheet->header.cells[column].text, &folded);
    if (folded.length > 0) {
        char *brackets = strchr(folded.data, '(');
        struct text whole = {0};
        text_add(&whole, folded.data);
        if (brackets && find_kind(finding->kinds, finding->count, whole.data, finding->columns) ==
                            finding->count)
            *brackets = '\0';
        if (is_doubtful(finding->kinds, finding->count, folded.data) == doubtful)
            take_column(finding, column, folded.data,
                        brackets ? whole.data + (brackets - folded.data) : "");
        text_free(&whole);
    }
    text_free(&folded);
}

void columns_find(const struct sheet *sheet, const struct column_kind *kinds, size_t count,
                  struct columns *ret_columns, bool *is_known, struct sheet_faults *faults)
{
    struct finding finding = {
        .sheet = sheet, .kinds = kinds, .count = count, .columns = ret_columns, .faults = faults};

    finding.is_known = is_known;
    for (size_t i = 0; i < count; i++) {
        ret_columns->at[i] = SHEET_NO_COLUMN;
        ret_columns->unit[i] = "";
    }
    for (int doubtful = 0; doubtful < 2; doubtful++)
        for (size_t column = 0; column < sheet->column_count; column++)
            look_at(&finding, column, doubtful);
    for (size_t i = 0; i < count; i++) {
        if (kinds[i].required && ret_columns->at[i] == SHEET_NO_COLUMN) {
            struct text words = {0};
            for (size_t k = 0; kinds[i].words[k]; k++)
                text_addf(&words, "%s%s", k > 0 ? " " : "", kinds[i].words[k]);
            sheet_fault_add(faults, sheet->header.number, SHEET_NO_COLUMN,
                            "no column for %s; expected one of: %s", kinds[i].required, words.data);
            text_free(&words);
        }
    }
}

size_t columns_of_key(const struct column_kind *kinds, size_t count, const char *key, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = kinds[i].keys;
        while (*at) {
            size_t word = strcspn(at, " ");
            if (word == length && strncmp(at, key, length) == 0)
                return i;
            at += word + (at[word] == ' ');
        }
    }
    return count;
}
