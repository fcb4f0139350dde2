-- Different rows for wrk, from a file: `wrk ... -s requests.lua URL -- FILE [FIRST BEGIN STEP]`.
--
-- Each line of FILE is a body. With FIRST, BEGIN and STEP a line is the rest of one, after the transaction's number and
-- time: these go forward from FIRST and from BEGIN (seconds since 1970), STEP seconds a transaction.
-- TOKEN of the environment is sent as a bearer token. Ends with a line of JSON.

local lines, count, first, begin, step = {}, 0, nil, 0, 0
local head

function init(args)
   for line in io.lines(args[1]) do lines[#lines + 1] = line end
   if args[2] then first, begin, step = tonumber(args[2]), tonumber(args[3]), tonumber(args[4]) end
   local token = os.getenv("TOKEN")
   head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. "\r\nContent-Type: application/json\r\n"
      .. (token and ("Authorization: Bearer " .. token .. "\r\n") or "") .. "Content-Length: "
end

function request()
   local body = lines[count % #lines + 1]
   if first then
      body = '{"instance":{"transaction_id":' .. string.format("%d", first + count)
         .. ',"tx_datetime":"' .. os.date("!%Y-%m-%dT%H:%M:%S", begin + (first + count) * step) .. '",' .. body
   end
   count = count + 1
   return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency, requests)
   local errors = summary.errors
   print(string.format(
      '{"requests": %d, "microseconds": %d, "refused": %d, "broken": %d, "p50": %.0f, "p99": %.0f, "worst": %.0f}',
      summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99), latency.max))
end
