#include "server/history/duckdb/columns.h"

#include <array>
#include <type_traits>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace muster::server::duck {
namespace {

// A column writes `rows` into an empty vector, and reads one over the members of `rows`.
struct Column {
  absl::string_view name;
  duckdb_type type;
  void (*write)(absl::Span<const CheckInRow> rows, duckdb_vector vector);
  void (*read)(duckdb_vector vector, absl::Span<CheckInRow> rows);
};

absl::string_view SqlTypeOf(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_TIMESTAMP:
      return "TIMESTAMP";
    case DUCKDB_TYPE_INTEGER:
      return "INTEGER";
    case DUCKDB_TYPE_UTINYINT:
      return "UTINYINT";
    case DUCKDB_TYPE_USMALLINT:
      return "USMALLINT";
    case DUCKDB_TYPE_UINTEGER:
      return "UINTEGER";
    case DUCKDB_TYPE_UBIGINT:
      return "UBIGINT";
    case DUCKDB_TYPE_UHUGEINT:
      return "UHUGEINT";
    default:
      return "BLOB";
  }
}

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <typename Kind>
uint64_t& NumberIn(Id<Kind>& id) {
  return id.value;
}
template <typename Kind>
const uint64_t& NumberIn(const Id<Kind>& id) {
  return id.value;
}
template <typename T>
T& NumberIn(T& number) {
  return number;
}

template <typename Number>
constexpr duckdb_type TypeOf() {
  // The only one of this type is a time.
  if constexpr (std::is_same_v<Number, int64_t>) return DUCKDB_TYPE_TIMESTAMP;
  if constexpr (std::is_same_v<Number, int32_t>) return DUCKDB_TYPE_INTEGER;
  if constexpr (std::is_same_v<Number, uint8_t>) return DUCKDB_TYPE_UTINYINT;
  if constexpr (std::is_same_v<Number, uint16_t>) return DUCKDB_TYPE_USMALLINT;
  if constexpr (std::is_same_v<Number, uint32_t>) return DUCKDB_TYPE_UINTEGER;
  if constexpr (std::is_same_v<Number, uint64_t>) return DUCKDB_TYPE_UBIGINT;
}

void SetNull(duckdb_vector vector, size_t row) {
  duckdb_vector_ensure_validity_writable(vector);
  duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}

bool IsNull(duckdb_vector vector, size_t row) {
  uint64_t* validity = duckdb_vector_get_validity(vector);
  return validity != nullptr && !duckdb_validity_row_is_valid(validity, row);
}

// A column of numbers: a member that is a number, an id, or an optional number.
template <auto Member>
struct Numbers {
  using Field = std::remove_reference_t<decltype(std::declval<CheckInRow&>().*Member)>;

  static auto Zero() {
    if constexpr (IsOptional<Field>::value) {
      return typename Field::value_type{};
    } else {
      Field field{};
      return NumberIn(field);
    }
  }
  using Number = decltype(Zero());

  static void Write(absl::Span<const CheckInRow> rows, duckdb_vector vector) {
    auto* numbers = static_cast<Number*>(duckdb_vector_get_data(vector));
    for (size_t i = 0; i < rows.size(); ++i) {
      const Field& field = rows[i].*Member;
      if constexpr (IsOptional<Field>::value) {
        numbers[i] = field.value_or(0);
        if (!field) SetNull(vector, i);
      } else {
        numbers[i] = NumberIn(field);
      }
    }
  }

  static void Read(duckdb_vector vector, absl::Span<CheckInRow> rows) {
    const auto* numbers = static_cast<const Number*>(duckdb_vector_get_data(vector));
    for (size_t i = 0; i < rows.size(); ++i) {
      Field& field = rows[i].*Member;
      if constexpr (IsOptional<Field>::value) {
        if (!IsNull(vector, i)) field = numbers[i];
      } else {
        NumberIn(field) = numbers[i];
      }
    }
  }
};

template <auto Member>
constexpr Column NumberColumn(absl::string_view name) {
  using Numbers = Numbers<Member>;
  return {name, TypeOf<typename Numbers::Number>(), &Numbers::Write, &Numbers::Read};
}

// Addresses are IPv6 numbers, so that a network is a range; IPv4 lies in ::ffff:0:0/96.
constexpr uint64_t kMapped = 0xffff00000000;

void WriteAddresses(absl::Span<const CheckInRow> rows, duckdb_vector vector) {
  auto* numbers = static_cast<duckdb_uhugeint*>(duckdb_vector_get_data(vector));
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string& bytes = rows[i].source_address;
    absl::uint128 number = 0;
    for (const char byte : bytes) number = (number << 8) | static_cast<uint8_t>(byte);
    if (bytes.size() == 4) number |= kMapped;
    numbers[i] = {absl::Uint128Low64(number), absl::Uint128High64(number)};
    if (bytes.empty()) SetNull(vector, i);
  }
}

void ReadAddresses(duckdb_vector vector, absl::Span<CheckInRow> rows) {
  const auto* numbers = static_cast<const duckdb_uhugeint*>(duckdb_vector_get_data(vector));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (IsNull(vector, i)) continue;
    absl::uint128 number = absl::MakeUint128(numbers[i].upper, numbers[i].lower);
    const size_t size = (number >> 32) == (kMapped >> 32) ? 4 : 16;
    rows[i].source_address.resize(size);
    for (size_t at = size; at-- > 0; number >>= 8) {
      rows[i].source_address[at] = static_cast<char>(absl::Uint128Low64(number) & 0xff);
    }
  }
}

void WriteBytes(absl::Span<const CheckInRow> rows, duckdb_vector vector) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string& bytes = rows[i].more_readings;
    if (bytes.empty()) {
      SetNull(vector, i);
    } else {
      duckdb_vector_assign_string_element_len(vector, i, bytes.data(), bytes.size());
    }
  }
}

void ReadBytes(duckdb_vector vector, absl::Span<CheckInRow> rows) {
  auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (IsNull(vector, i)) continue;
    rows[i].more_readings.assign(duckdb_string_t_data(&texts[i]), duckdb_string_t_length(texts[i]));
  }
}

constexpr std::array kColumns = {
    NumberColumn<&CheckInRow::time_us>("time"),
    NumberColumn<&CheckInRow::organization>("organization"),
    NumberColumn<&CheckInRow::device>("device"),
    NumberColumn<&CheckInRow::edge>("edge"),
    Column{"source_address", DUCKDB_TYPE_UHUGEINT, &WriteAddresses, &ReadAddresses},
    NumberColumn<&CheckInRow::asn>("asn"),
    NumberColumn<&CheckInRow::interval_seconds>("interval_seconds"),
    NumberColumn<&CheckInRow::boot_hash>("boot_hash"),
    NumberColumn<&CheckInRow::uptime_seconds>("uptime_seconds"),
    NumberColumn<&CheckInRow::cpu_load_percent>("cpu_load_percent"),
    NumberColumn<&CheckInRow::cpu_count>("cpu_count"),
    NumberColumn<&CheckInRow::cpu_frequency_mhz>("cpu_frequency_mhz"),
    NumberColumn<&CheckInRow::memory_free_bytes>("memory_free_bytes"),
    NumberColumn<&CheckInRow::memory_total_bytes>("memory_total_bytes"),
    NumberColumn<&CheckInRow::disk_free_bytes>("disk_free_bytes"),
    NumberColumn<&CheckInRow::disk_total_bytes>("disk_total_bytes"),
    NumberColumn<&CheckInRow::bad_blocks_millipercent>("bad_blocks_millipercent"),
    NumberColumn<&CheckInRow::sectors_written>("sectors_written"),
    NumberColumn<&CheckInRow::agent_errors>("agent_errors"),
    NumberColumn<&CheckInRow::skipped_beats>("skipped_beats"),
    NumberColumn<&CheckInRow::last_number>("last_number"),
    NumberColumn<&CheckInRow::running_number>("running_number"),
    NumberColumn<&CheckInRow::running_seconds>("running_seconds"),
    NumberColumn<&CheckInRow::text_repaired>("text_repaired"),
    NumberColumn<&CheckInRow::numbers_dropped>("numbers_dropped"),
    NumberColumn<&CheckInRow::temperature_milli_celsius>("temperature_milli_celsius"),
    NumberColumn<&CheckInRow::voltage_milli>("voltage_milli"),
    NumberColumn<&CheckInRow::link_rtt_us>("link_rtt_us"),
    NumberColumn<&CheckInRow::link_jitter_us>("link_jitter_us"),
    NumberColumn<&CheckInRow::link_standard_deviation_us>("link_standard_deviation_us"),
    NumberColumn<&CheckInRow::link_loss_permille>("link_loss_permille"),
    Column{"more_readings", DUCKDB_TYPE_BLOB, &WriteBytes, &ReadBytes},
};

}  // namespace

std::string TableColumns() {
  return absl::StrJoin(kColumns, ", ", [](std::string* out, const Column& column) {
    absl::StrAppend(out, column.name, " ", SqlTypeOf(column.type));
  });
}

std::string ColumnNames() {
  return absl::StrJoin(kColumns, ", ", [](std::string* out, const Column& column) {
    absl::StrAppend(out, column.name);
  });
}

absl::string_view ColumnOf(Metric metric) {
  switch (metric) {
    case Metric::kUptimeSeconds:
      return "uptime_seconds";
    case Metric::kCpuLoadPercent:
      return "cpu_load_percent";
    case Metric::kMemoryFreeBytes:
      return "memory_free_bytes";
    case Metric::kDiskFreeBytes:
      return "disk_free_bytes";
    case Metric::kSectorsWritten:
      return "sectors_written";
    case Metric::kAgentErrors:
      return "agent_errors";
    case Metric::kTemperatureMilliCelsius:
      return "temperature_milli_celsius";
    case Metric::kVoltageMilli:
      return "voltage_milli";
    case Metric::kLinkRttUs:
      return "link_rtt_us";
    case Metric::kLinkJitterUs:
      return "link_jitter_us";
    case Metric::kLinkLossPermille:
      return "link_loss_permille";
  }
  return "";
}

absl::Status CheckRow(const CheckInRow& row) {
  if (row.time_us < 0 || row.time_us > kMaxTimeUs) {
    return absl::InvalidArgumentError(absl::StrCat("history: ", row.time_us, " us is no time"));
  }
  const size_t size = row.source_address.size();
  if (size != 0 && size != 4 && size != 16) {
    return absl::InvalidArgumentError(
        absl::StrCat("history: a source address of ", size, " bytes; it has 4 or 16, or none"));
  }
  return absl::OkStatus();
}

std::vector<duckdb_logical_type> MakeColumnTypes() {
  std::vector<duckdb_logical_type> types;
  for (const Column& column : kColumns) types.push_back(duckdb_create_logical_type(column.type));
  return types;
}

void WriteRows(absl::Span<const CheckInRow> rows, duckdb_data_chunk chunk) {
  for (size_t i = 0; i < kColumns.size(); ++i) {
    kColumns[i].write(rows, duckdb_data_chunk_get_vector(chunk, i));
  }
  duckdb_data_chunk_set_size(chunk, rows.size());
}

void ReadRows(duckdb_data_chunk chunk, size_t count, std::vector<CheckInRow>& rows) {
  rows.resize(rows.size() + count);
  const absl::Span<CheckInRow> read = absl::MakeSpan(rows).last(count);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    kColumns[i].read(duckdb_data_chunk_get_vector(chunk, i), read);
  }
}

}  // namespace muster::server::duck
