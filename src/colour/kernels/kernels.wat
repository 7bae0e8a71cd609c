;; The loops of this folder that run over every pixel of a data set, in WebAssembly with 128-bit vectors. `make-kernels.mjs` in scripts/
;; makes src/colour/kernels/bytes.ts of this text.
;;
;; Pictures are bytes of red, green and blue, row by row. All sums of whole numbers are exact: lanes of 16 or 32 bits within a call, doubles across calls.
;; Vectors may be read up to 24 bytes behind the last pixel of a row; what they find there is masked away.
(module
  (memory (export "memory") 1)

  ;; sums[i] = (sums[i] & keep) + weight * (row[i] + the same of the `height` - 1 rows below it), for `count` bytes of each row; sums are 32-bit integers. At
  ;; most 257 rows, whose sums fit in 16 bits. Reads up to 15 bytes and writes up to 15 sums more.
  (func (export "addRows") (param $row i32) (param $stride i32) (param $height i32) (param $count i32) (param $weight i32) (param $keep i32)
    (param $sums i32)
    (local $end i32) (local $at i32) (local $last i32) (local $vector v128) (local $factor v128) (local $kept v128) (local $low v128) (local $high v128)
    (local.set $factor (i32x4.splat (local.get $weight)))
    (local.set $kept (i32x4.splat (local.get $keep)))
    (local.set $end (i32.add (local.get $row) (local.get $count)))
    (local.set $height (i32.mul (local.get $height) (local.get $stride)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $low (v128.const i32x4 0 0 0 0))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (local.set $at (local.get $row))
        (local.set $last (i32.add (local.get $row) (local.get $height)))
        (loop $below
          (local.set $vector (v128.load (local.get $at)))
          (local.set $low (i16x8.add (local.get $low) (i16x8.extend_low_i8x16_u (local.get $vector))))
          (local.set $high (i16x8.add (local.get $high) (i16x8.extend_high_i8x16_u (local.get $vector))))
          (local.set $at (i32.add (local.get $at) (local.get $stride)))
          (br_if $below (i32.lt_u (local.get $at) (local.get $last))))
        (v128.store (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load (local.get $sums)))
          (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $low)) (local.get $factor))))
        (v128.store offset=16 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=16 (local.get $sums)))
          (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $low)) (local.get $factor))))
        (v128.store offset=32 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=32 (local.get $sums)))
          (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $high)) (local.get $factor))))
        (v128.store offset=48 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=48 (local.get $sums)))
          (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $high)) (local.get $factor))))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 64)))
        (br $next))))

  ;; The same of two rows, each with a weight of its own below 32,768.
  (func (export "addTwo") (param $row i32) (param $weight i32) (param $other i32) (param $otherWeight i32) (param $count i32) (param $keep i32)
    (param $sums i32)
    (local $end i32) (local $factors v128) (local $kept v128) (local $a v128) (local $b v128) (local $low v128) (local $high v128)
    (local.set $factors (i32x4.splat (i32.or (local.get $weight) (i32.shl (local.get $otherWeight) (i32.const 16)))))
    (local.set $kept (i32x4.splat (local.get $keep)))
    (local.set $end (i32.add (local.get $row) (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $a (v128.load (local.get $row)))
        (local.set $b (v128.load (local.get $other)))
        (local.set $low (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $a) (local.get $b)))
        (local.set $high (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $a) (local.get $b)))
        (v128.store (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load (local.get $sums)))
          (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $low)) (local.get $factors))))
        (v128.store offset=16 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=16 (local.get $sums)))
          (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $low)) (local.get $factors))))
        (v128.store offset=32 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=32 (local.get $sums)))
          (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $high)) (local.get $factors))))
        (v128.store offset=48 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=48 (local.get $sums)))
          (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $high)) (local.get $factors))))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (local.set $other (i32.add (local.get $other) (i32.const 16)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 64)))
        (br $next))))

  ;; Takes a row of sums of columns to fewer columns, and adds what comes out to `count` results of four doubles: red, green, blue, and one that
  ;; means nothing. `ends` has two 32-bit integers for each of them: at which byte of the sums the pixel begins in which it ends, and how many parts of that belong to
  ;; the next.
  (func (export "foldRow") (param $sums i32) (param $ends i32) (param $count i32) (param $whole f64) (param $out i32)
    (local $edge i32) (local $start i32) (local $end i32) (local $pixel v128)
    (local $redGreen v128) (local $blue v128) (local $carriedRedGreen v128) (local $carriedBlue v128)
    (local $wholes v128) (local $parts v128) (local $rests v128) (local $a v128) (local $b v128)
    (local.set $start (local.get $sums))
    (local.set $wholes (f64x2.splat (local.get $whole)))
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 5))))
    (block $done
      (loop $column
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $edge (i32.add (local.get $start) (i32.load (local.get $ends))))
        (local.set $redGreen (f64x2.splat (f64.const 0)))
        (local.set $blue (f64x2.splat (f64.const 0)))
        (block $inner
          (loop $pixel
            (br_if $inner (i32.ge_u (local.get $sums) (local.get $edge)))
            (local.set $pixel (v128.load (local.get $sums)))
            (local.set $redGreen (f64x2.add (local.get $redGreen) (f64x2.convert_low_i32x4_u (local.get $pixel))))
            (local.set $blue (f64x2.add (local.get $blue) (f64x2.convert_low_i32x4_u
              (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $pixel) (local.get $pixel)))))
            (local.set $sums (i32.add (local.get $sums) (i32.const 12)))
            (br $pixel)))
        (local.set $rests (f64x2.splat (f64.convert_i32_u (i32.load offset=4 (local.get $ends)))))
        (local.set $parts (f64x2.sub (local.get $wholes) (local.get $rests)))
        (local.set $pixel (v128.load (local.get $sums)))
        (local.set $a (f64x2.convert_low_i32x4_u (local.get $pixel)))
        (local.set $b (f64x2.convert_low_i32x4_u
          (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $pixel) (local.get $pixel))))
        (v128.store (local.get $out) (f64x2.add (f64x2.add (v128.load (local.get $out)) (local.get $carriedRedGreen)) (f64x2.add
          (f64x2.mul (local.get $wholes) (local.get $redGreen)) (f64x2.mul (local.get $parts) (local.get $a)))))
        (v128.store offset=16 (local.get $out) (f64x2.add (f64x2.add (v128.load offset=16 (local.get $out)) (local.get $carriedBlue)) (f64x2.add
          (f64x2.mul (local.get $wholes) (local.get $blue)) (f64x2.mul (local.get $parts) (local.get $b)))))
        (local.set $carriedRedGreen (f64x2.mul (local.get $rests) (local.get $a)))
        (local.set $carriedBlue (f64x2.mul (local.get $rests) (local.get $b)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 12)))
        (local.set $ends (i32.add (local.get $ends) (i32.const 8)))
        (local.set $out (i32.add (local.get $out) (i32.const 32)))
        (br $column))))

  ;; Sums of `foldRow` as bytes: sum * inverse + bias, rounded to the nearest; the bias says where halves go. Writes one byte too many. At 2^52 doubles
  ;; are whole numbers, whose last byte is the result.
  (func (export "roundRow") (param $sums i32) (param $count i32) (param $inverse f64) (param $bias f64) (param $out i32)
    (local $end i32) (local $factor v128) (local $add v128) (local $magic v128)
    (local.set $magic (f64x2.splat (f64.const 0x1p52)))
    (local.set $factor (f64x2.splat (local.get $inverse)))
    (local.set $add (f64x2.splat (local.get $bias)))
    (local.set $end (i32.add (local.get $out) (i32.mul (local.get $count) (i32.const 3))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (v128.store32_lane 0 (local.get $out) (i8x16.shuffle 0 8 16 0 0 0 0 0 0 0 0 0 0 0 0 0
          (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor) (v128.load (local.get $sums)))))
          (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor) (v128.load offset=16 (local.get $sums)))))))
        (local.set $sums (i32.add (local.get $sums) (i32.const 32)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (br $next))))

  ;; `foldRow` for areas whose sums fit in 31 bits: each result is three 32-bit integers. Writes one integer too many.
  (func (export "foldShort") (param $sums i32) (param $ends i32) (param $count i32) (param $whole i32) (param $out i32)
    (local $edge i32) (local $start i32) (local $end i32) (local $pixel v128) (local $sum v128) (local $rest v128) (local $wholes v128)
    (local.set $start (local.get $sums))
    (local.set $wholes (i32x4.splat (local.get $whole)))
    (local.set $end (i32.add (local.get $out) (i32.mul (local.get $count) (i32.const 12))))
    (block $done
      (loop $column
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $edge (i32.add (local.get $start) (i32.load (local.get $ends))))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (block $inner
          (loop $pixel
            (br_if $inner (i32.ge_u (local.get $sums) (local.get $edge)))
            (local.set $sum (i32x4.add (local.get $sum) (v128.load (local.get $sums))))
            (local.set $sums (i32.add (local.get $sums) (i32.const 12)))
            (br $pixel)))
        ;; With the whole of the pixel in which the new one ends, less what of it belongs to the next.
        (local.set $pixel (v128.load (local.get $sums)))
        (local.set $sum (i32x4.add (local.get $rest)
          (i32x4.mul (local.get $wholes) (i32x4.add (local.get $sum) (local.get $pixel)))))
        (local.set $rest (i32x4.mul (local.get $pixel) (v128.load32_splat offset=4 (local.get $ends))))
        (v128.store (local.get $out) (i32x4.sub (local.get $sum) (local.get $rest)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 12)))
        (local.set $ends (i32.add (local.get $ends) (i32.const 8)))
        (local.set $out (i32.add (local.get $out) (i32.const 12)))
        (br $column))))

  ;; `roundRow` of the results of `foldShort`, of which there are `count` integers. Reads and writes up to 15 more.
  (func (export "roundShort") (param $sums i32) (param $count i32) (param $inverse f64) (param $bias f64) (param $out i32)
    (local $end i32) (local $factor v128) (local $add v128) (local $magic v128)
    (local.set $magic (f64x2.splat (f64.const 0x1p52)))
    (local.set $factor (f64x2.splat (local.get $inverse)))
    (local.set $add (f64x2.splat (local.get $bias)))
    (local.set $end (i32.add (local.get $out) (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (v128.store (local.get $out) (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s
            (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero (local.get $sums))))))
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=8 (local.get $sums)))))))
            (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=16 (local.get $sums))))))
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=24 (local.get $sums))))))))
          (i16x8.narrow_i32x4_s
            (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=32 (local.get $sums))))))
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=40 (local.get $sums)))))))
            (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=48 (local.get $sums))))))
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=56 (local.get $sums))))))))))
        (local.set $sums (i32.add (local.get $sums) (i32.const 64)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $next))))

  ;; Two rows, `stride` bytes apart, to fewer columns: `count` sums of bytes each, as 32-bit floats, to `out` and to `other`. `table` says for four sums after
  ;; the other at which byte of the row (32-bit integer, and 12 bytes of nothing) their bytes begin, which of the 16 there are the first and the second byte of each,
  ;; as the low halves of 16-bit integers whose high halves are 255, and with which weights. Where `more` is not 0 two further weights are those of bytes 6 later. The
  ;; table ends at `end` and goes on from its start, `advance` bytes later. Reads up to 40 bytes and writes up to three sums more.
  (func (export "across") (param $row i32) (param $stride i32) (param $table i32) (param $end i32) (param $advance i32) (param $more i32)
    (param $count i32) (param $out i32) (param $other i32)
    (local $at i32) (local $entry i32) (local $last i32) (local $bytes v128) (local $weights v128) (local $sum v128) (local $otherSum v128)
    (local.set $entry (local.get $table))
    (local.set $last (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 2))))
    (loop $next
      (local.set $at (i32.add (local.get $row) (i32.load (local.get $entry))))
      (local.set $bytes (v128.load offset=16 (local.get $entry)))
      (local.set $weights (v128.load offset=32 (local.get $entry)))
      (local.set $sum (i32x4.dot_i16x8_s (i8x16.swizzle (v128.load (local.get $at)) (local.get $bytes)) (local.get $weights)))
      (local.set $otherSum (i32x4.dot_i16x8_s
        (i8x16.swizzle (v128.load (i32.add (local.get $at) (local.get $stride))) (local.get $bytes)) (local.get $weights)))
      (local.set $entry (i32.add (local.get $entry) (i32.const 48)))
      (if (local.get $more)
        (then
          (local.set $weights (v128.load (local.get $entry)))
          (local.set $entry (i32.add (local.get $entry) (i32.const 16)))
          (local.set $sum (i32x4.add (local.get $sum)
            (i32x4.dot_i16x8_s (i8x16.swizzle (v128.load offset=6 (local.get $at)) (local.get $bytes)) (local.get $weights))))
          (local.set $otherSum (i32x4.add (local.get $otherSum) (i32x4.dot_i16x8_s
            (i8x16.swizzle (v128.load offset=6 (i32.add (local.get $at) (local.get $stride))) (local.get $bytes)) (local.get $weights))))))
      (v128.store (local.get $out) (f32x4.convert_i32x4_s (local.get $sum)))
      (v128.store (local.get $other) (f32x4.convert_i32x4_s (local.get $otherSum)))
      (if (i32.eq (local.get $entry) (local.get $end))
        (then
          (local.set $entry (local.get $table))
          (local.set $row (i32.add (local.get $row) (local.get $advance)))))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (local.set $other (i32.add (local.get $other) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $out) (local.get $last)))))

  ;; Two or three rows of `across` with their weights to `count` bytes: means of `area` parts, rounded half up. Writes up to seven bytes more. All sums are whole
  ;; numbers below 2^24, and at 2^23 floats are whole. What floats lose of a mean is less than half of the bias of 2^-14, and a mean that is not half-way between two
  ;; values is half a part or more from there: of up to 4096 parts what comes out is right. Of more it may be one too high next to half-way, which is seen where a sum is
  ;; less than half an area below the value.
  (func (export "down") (param $first i32) (param $firstWeight f32) (param $second i32) (param $secondWeight f32) (param $third i32)
    (param $thirdWeight f32) (param $count i32) (param $area f32) (param $out i32)
    (local $end i32) (local $magic v128) (local $inverse v128) (local $bias v128) (local $areas v128) (local $half v128)
    (local $weight1 v128) (local $weight2 v128) (local $weight3 v128) (local $a v128) (local $b v128) (local $mean1 v128) (local $mean2 v128) (local $byte1 v128) (local $byte2 v128)
    (local.set $magic (f32x4.splat (f32.const 0x1p23)))
    (local.set $bias (f32x4.splat (f32.const 0x1p-14)))
    (local.set $areas (f32x4.splat (local.get $area)))
    (local.set $inverse (f32x4.splat (f32.div (f32.const 1) (local.get $area))))
    (local.set $half (f32x4.splat (f32.mul (local.get $area) (f32.const -0.5))))
    (local.set $weight1 (f32x4.splat (local.get $firstWeight)))
    (local.set $weight2 (f32x4.splat (local.get $secondWeight)))
    (local.set $weight3 (f32x4.splat (local.get $thirdWeight)))
    (local.set $end (i32.add (local.get $out) (local.get $count)))
    (loop $next
      (local.set $a (f32x4.add
        (f32x4.mul (local.get $weight1) (v128.load (local.get $first)))
        (f32x4.mul (local.get $weight2) (v128.load (local.get $second)))))
      (local.set $b (f32x4.add
        (f32x4.mul (local.get $weight1) (v128.load offset=16 (local.get $first)))
        (f32x4.mul (local.get $weight2) (v128.load offset=16 (local.get $second)))))
      (if (f32.ne (local.get $thirdWeight) (f32.const 0))
        (then
          (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $weight3) (v128.load (local.get $third)))))
          (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $weight3) (v128.load offset=16 (local.get $third)))))
          (local.set $third (i32.add (local.get $third) (i32.const 32)))))
      (local.set $mean1 (f32x4.add (local.get $magic) (f32x4.add (local.get $bias) (f32x4.mul (local.get $inverse) (local.get $a)))))
      (local.set $mean2 (f32x4.add (local.get $magic) (f32x4.add (local.get $bias) (f32x4.mul (local.get $inverse) (local.get $b)))))
      (local.set $byte1 (i32x4.sub (local.get $mean1) (local.get $magic)))
      (local.set $byte2 (i32x4.sub (local.get $mean2) (local.get $magic)))
      (if (f32.gt (local.get $area) (f32.const 4096))
        (then
          (local.set $byte1 (i32x4.add (local.get $byte1) (f32x4.lt
            (f32x4.sub (local.get $a) (f32x4.mul (local.get $areas) (f32x4.sub (local.get $mean1) (local.get $magic))))
            (local.get $half))))
          (local.set $byte2 (i32x4.add (local.get $byte2) (f32x4.lt
            (f32x4.sub (local.get $b) (f32x4.mul (local.get $areas) (f32x4.sub (local.get $mean2) (local.get $magic))))
            (local.get $half))))))
      (v128.store64_lane 0 (local.get $out)
        (i8x16.narrow_i16x8_u (i16x8.narrow_i32x4_s (local.get $byte1) (local.get $byte2)) (local.get $a)))
      (local.set $first (i32.add (local.get $first) (i32.const 32)))
      (local.set $second (i32.add (local.get $second) (i32.const 32)))
      (local.set $out (i32.add (local.get $out) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $out) (local.get $end)))))

  ;; Of `count` pixels: how many are exactly white, exactly black, have a channel at 255, have one at 0. Adds to four 32-bit integers.
  (func (export "countExact") (param $rgb i32) (param $count i32) (param $counts i32)
    (local $a v128) (local $b v128) (local $c v128) (local $ones v128) (local $zeros v128)
    (local $first i64) (local $bits i64) (local $bits1 i64) (local $bits2 i64) (local $white i64) (local $black i64) (local $high i64) (local $low i64)
    (local.set $ones (i8x16.splat (i32.const 255)))
    ;; A bit for the first of the three bytes of each pixel.
    (local.set $first (i64.const 0x249249249249))
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        (local.set $a (v128.load (local.get $rgb)))
        (local.set $b (v128.load offset=16 (local.get $rgb)))
        (local.set $c (v128.load offset=32 (local.get $rgb)))
        ;; Most of a photograph has neither value anywhere.
        (if (v128.any_true (v128.or
            (v128.or
              (v128.or (i8x16.eq (local.get $a) (local.get $ones)) (i8x16.eq (local.get $b) (local.get $ones)))
              (v128.or (i8x16.eq (local.get $c) (local.get $ones)) (i8x16.eq (local.get $a) (local.get $zeros))))
            (v128.or (i8x16.eq (local.get $b) (local.get $zeros)) (i8x16.eq (local.get $c) (local.get $zeros)))))
          (then
            (if (i32.lt_s (local.get $count) (i32.const 16))
              (then (local.set $first (i64.shr_u (local.get $first)
                (i64.extend_i32_s (i32.mul (i32.sub (i32.const 16) (local.get $count)) (i32.const 3)))))))
            (local.set $bits (i64.or (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $a) (local.get $ones)))) (i64.or
              (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $b) (local.get $ones)))) (i64.const 16))
              (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $c) (local.get $ones)))) (i64.const 32)))))
            (local.set $bits1 (i64.shr_u (local.get $bits) (i64.const 1)))
            (local.set $bits2 (i64.shr_u (local.get $bits) (i64.const 2)))
            (local.set $white (i64.add (local.get $white) (i64.popcnt (i64.and (local.get $first)
              (i64.and (local.get $bits) (i64.and (local.get $bits1) (local.get $bits2)))))))
            (local.set $high (i64.add (local.get $high) (i64.popcnt (i64.and (local.get $first)
              (i64.or (local.get $bits) (i64.or (local.get $bits1) (local.get $bits2)))))))
            (local.set $bits (i64.or (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $a) (local.get $zeros)))) (i64.or
              (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $b) (local.get $zeros)))) (i64.const 16))
              (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $c) (local.get $zeros)))) (i64.const 32)))))
            (local.set $bits1 (i64.shr_u (local.get $bits) (i64.const 1)))
            (local.set $bits2 (i64.shr_u (local.get $bits) (i64.const 2)))
            (local.set $black (i64.add (local.get $black) (i64.popcnt (i64.and (local.get $first)
              (i64.and (local.get $bits) (i64.and (local.get $bits1) (local.get $bits2)))))))
            (local.set $low (i64.add (local.get $low) (i64.popcnt (i64.and (local.get $first)
              (i64.or (local.get $bits) (i64.or (local.get $bits1) (local.get $bits2)))))))))
        (local.set $rgb (i32.add (local.get $rgb) (i32.const 48)))
        (local.set $count (i32.sub (local.get $count) (i32.const 16)))
        (br $next)))
    (i32.store (local.get $counts) (i32.add (i32.load (local.get $counts)) (i32.wrap_i64 (local.get $white))))
    (i32.store offset=4 (local.get $counts) (i32.add (i32.load offset=4 (local.get $counts)) (i32.wrap_i64 (local.get $black))))
    (i32.store offset=8 (local.get $counts) (i32.add (i32.load offset=8 (local.get $counts)) (i32.wrap_i64 (local.get $high))))
    (i32.store offset=12 (local.get $counts) (i32.add (i32.load offset=12 (local.get $counts)) (i32.wrap_i64 (local.get $low)))))

  ;; To a double in memory, the sum of a vector's whole numbers of 32 bits, which fits in them.
  (func $add4 (param $to i32) (param $lanes v128)
    (call $add (local.get $to) (f64.convert_i32_s (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $lanes)) (i32x4.extract_lane 1 (local.get $lanes)))
      (i32.add (i32x4.extract_lane 2 (local.get $lanes)) (i32x4.extract_lane 3 (local.get $lanes)))))))

  ;; The same of doubles.
  (func $add2 (param $to i32) (param $lanes v128)
    (call $add (local.get $to) (f64.add (f64x2.extract_lane 0 (local.get $lanes)) (f64x2.extract_lane 1 (local.get $lanes)))))

  ;; The same of whole numbers of 64 bits.
  (func $addLongs (param $to i32) (param $lanes v128)
    (call $add (local.get $to)
      (f64.add (f64.convert_i64_s (i64x2.extract_lane 0 (local.get $lanes))) (f64.convert_i64_s (i64x2.extract_lane 1 (local.get $lanes))))))

  (func $add (param $to i32) (param $value f64)
    (f64.store (local.get $to) (f64.add (f64.load (local.get $to)) (local.get $value))))

  ;; What each of `count` pixels tells by itself, at most 8,192 of them. Writes their luma in thousandths as 32-bit integers, up to seven more
  ;; than there are pixels; adds to 14 doubles: red, green, blue, their squares, red times green, red times blue, green times blue, pixels
  ;; that are not nearly black, coloured pixels, saturation from 0 to 1 and its squares, vivid pixels; and to four histograms of 64 slots, one behind the other, whose
  ;; sum is the chroma of each hue. See working-measures.ts and hues.ts for what it all means.
  (func (export "walkColours") (param $rgb i32) (param $count i32) (param $luma i32) (param $sums i32) (param $hues i32)
    (local $a v128) (local $b v128) (local $red v128) (local $green v128) (local $blue v128) (local $valid v128) (local $zero v128)
    (local $largest v128) (local $chroma v128) (local $lit v128) (local $coloured v128)
    (local $isRed v128) (local $isGreen v128) (local $delta v128) (local $twice v128) (local $share v128) (local $slots v128)
    (local $reds v128) (local $greens v128) (local $blues v128) (local $redSquares v128) (local $greenSquares v128) (local $blueSquares v128)
    (local $redGreens v128) (local $redBlues v128) (local $greenBlues v128)
    (local $lits v128) (local $coloureds v128) (local $vivids v128) (local $saturations v128) (local $saturationSquares v128)
    (local $redsGreens v128) (local $firstBlue v128) (local $lastBlue v128)
    (local $shares v128) (local $shareSquares v128) (local $weight v128) (local $redTimes v128) (local $greenTimes v128) (local $blueTimes v128)
    (local $times i32) (local $next i32) (local $left i32)
    (local $hues1 i32) (local $hues2 i32) (local $hues3 i32) (local $slot i32)
    (local.set $redsGreens (v128.const i8x16 0 -1 3 -1 6 -1 9 -1 1 -1 4 -1 7 -1 10 -1))
    (local.set $firstBlue (v128.const i8x16 2 -1 5 -1 8 -1 11 -1 -1 -1 -1 -1 -1 -1 -1 -1))
    (local.set $lastBlue (v128.const i8x16 -1 -1 -1 -1 -1 -1 -1 -1 2 -1 5 -1 8 -1 11 -1))
    ;; Slots come out one too high, for floats just below 2^23 have halves.
    (local.set $hues (i32.sub (local.get $hues) (i32.const 4)))
    (local.set $hues1 (i32.add (local.get $hues) (i32.const 256)))
    (local.set $hues2 (i32.add (local.get $hues) (i32.const 512)))
    (local.set $hues3 (i32.add (local.get $hues) (i32.const 768)))
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        ;; Eight pixels; one that is not there is black, which adds nothing to anything.
        (local.set $a (v128.load (local.get $rgb)))
        (local.set $b (v128.load offset=12 (local.get $rgb)))
        ;; Where they and the next are of one colour, as many as follow of it are counted with them: their numbers stay below 2^15.
        (local.set $times (i32.const 1))
        (local.set $next (i32.add (local.get $rgb) (i32.const 24)))
        (local.set $left (i32.sub (local.get $count) (i32.const 8)))
        (block $other
          (br_if $other (v128.any_true (v128.or
            (v128.xor (local.get $a) (v128.load offset=3 (local.get $rgb)))
            (v128.xor (local.get $b) (v128.load offset=15 (local.get $rgb))))))
          (loop $same
            (br_if $other (i32.or (i32.lt_s (local.get $left) (i32.const 8)) (i32.eq (local.get $times) (i32.const 128))))
            (br_if $other (v128.any_true (v128.or
              (v128.xor (v128.load (local.get $next)) (v128.load offset=3 (local.get $next)))
              (v128.xor (v128.load offset=12 (local.get $next)) (v128.load offset=15 (local.get $next))))))
            (local.set $times (i32.add (local.get $times) (i32.const 1)))
            (local.set $next (i32.add (local.get $next) (i32.const 24)))
            (local.set $left (i32.sub (local.get $left) (i32.const 8)))
            (br $same)))
        (local.set $blue (v128.or (i8x16.swizzle (local.get $a) (local.get $firstBlue)) (i8x16.swizzle (local.get $b) (local.get $lastBlue))))
        (local.set $a (i8x16.swizzle (local.get $a) (local.get $redsGreens)))
        (local.set $b (i8x16.swizzle (local.get $b) (local.get $redsGreens)))
        (local.set $red (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $b)))
        (local.set $green (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $b)))
        (if (i32.lt_s (local.get $count) (i32.const 8))
          (then
            (local.set $valid (i16x8.gt_s (i16x8.splat (local.get $count)) (v128.const i16x8 0 1 2 3 4 5 6 7)))
            (local.set $red (v128.and (local.get $red) (local.get $valid)))
            (local.set $green (v128.and (local.get $green) (local.get $valid)))
            (local.set $blue (v128.and (local.get $blue) (local.get $valid)))))

        (local.set $a (i32x4.add
          (i32x4.dot_i16x8_s (v128.const i16x8 299 587 299 587 299 587 299 587)
            (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $red) (local.get $green)))
          (i32x4.dot_i16x8_s (v128.const i16x8 114 0 114 0 114 0 114 0)
            (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $blue) (local.get $zero)))))
        (local.set $b (i32x4.add
          (i32x4.dot_i16x8_s (v128.const i16x8 299 587 299 587 299 587 299 587)
            (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $red) (local.get $green)))
          (i32x4.dot_i16x8_s (v128.const i16x8 114 0 114 0 114 0 114 0)
            (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $blue) (local.get $zero)))))
        (loop $again
          (v128.store (local.get $luma) (local.get $a))
          (v128.store offset=16 (local.get $luma) (local.get $b))
          (local.set $luma (i32.add (local.get $luma) (i32.const 32)))
          (local.set $rgb (i32.add (local.get $rgb) (i32.const 24)))
          (br_if $again (i32.lt_u (local.get $rgb) (local.get $next))))

        (local.set $weight (i16x8.splat (local.get $times)))
        (local.set $redTimes (i16x8.mul (local.get $red) (local.get $weight)))
        (local.set $greenTimes (i16x8.mul (local.get $green) (local.get $weight)))
        (local.set $blueTimes (i16x8.mul (local.get $blue) (local.get $weight)))
        (local.set $reds (i32x4.add (local.get $reds) (i32x4.extadd_pairwise_i16x8_s (local.get $redTimes))))
        (local.set $greens (i32x4.add (local.get $greens) (i32x4.extadd_pairwise_i16x8_s (local.get $greenTimes))))
        (local.set $blues (i32x4.add (local.get $blues) (i32x4.extadd_pairwise_i16x8_s (local.get $blueTimes))))
        (local.set $redSquares (i32x4.add (local.get $redSquares) (i32x4.dot_i16x8_s (local.get $redTimes) (local.get $red))))
        (local.set $greenSquares (i32x4.add (local.get $greenSquares) (i32x4.dot_i16x8_s (local.get $greenTimes) (local.get $green))))
        (local.set $blueSquares (i32x4.add (local.get $blueSquares) (i32x4.dot_i16x8_s (local.get $blueTimes) (local.get $blue))))
        (local.set $redGreens (i32x4.add (local.get $redGreens) (i32x4.dot_i16x8_s (local.get $redTimes) (local.get $green))))
        (local.set $redBlues (i32x4.add (local.get $redBlues) (i32x4.dot_i16x8_s (local.get $redTimes) (local.get $blue))))
        (local.set $greenBlues (i32x4.add (local.get $greenBlues) (i32x4.dot_i16x8_s (local.get $greenTimes) (local.get $blue))))

        (local.set $largest (i16x8.max_s (i16x8.max_s (local.get $red) (local.get $green)) (local.get $blue)))
        (local.set $chroma (i16x8.sub (local.get $largest)
          (i16x8.min_s (i16x8.min_s (local.get $red) (local.get $green)) (local.get $blue))))

        (local.set $lit (i16x8.gt_s (local.get $largest) (i16x8.splat (i32.const 7))))
        (local.set $lits (i16x8.add (local.get $lits) (v128.and (local.get $lit) (local.get $weight))))
        (local.set $coloured (i16x8.gt_s (local.get $chroma) (i16x8.splat (i32.const 15))))
        (local.set $coloureds (i16x8.add (local.get $coloureds) (v128.and (local.get $coloured) (local.get $weight))))
        (local.set $vivids (i16x8.add (local.get $vivids)
          (v128.and (i16x8.gt_s (local.get $chroma) (i16x8.splat (i32.const 127))) (local.get $weight))))
        ;; Saturation: nothing over -1 where a pixel is nearly black.
        (local.set $a (v128.and (local.get $chroma) (local.get $lit)))
        (local.set $b (v128.or (local.get $largest) (v128.not (local.get $lit))))
        (if (v128.any_true (local.get $a))
          (then
            (local.set $share (f64x2.div
              (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (local.get $a)))
              (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (local.get $b)))))
            (local.set $shares (local.get $share))
            (local.set $shareSquares (f64x2.mul (local.get $share) (local.get $share)))
            (local.set $share (f64x2.div
              (f64x2.convert_low_i32x4_s (i32x4.extend_high_i16x8_s (local.get $a)))
              (f64x2.convert_low_i32x4_s (i32x4.extend_high_i16x8_s (local.get $b)))))
            (local.set $shares (f64x2.add (local.get $shares) (local.get $share)))
            (local.set $shareSquares (f64x2.add (local.get $shareSquares) (f64x2.mul (local.get $share) (local.get $share))))
            ;; The other two of each four.
            (local.set $a (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $a) (local.get $a)))
            (local.set $b (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $b) (local.get $b)))
            (local.set $share (f64x2.div
              (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (local.get $a)))
              (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (local.get $b)))))
            (local.set $shares (f64x2.add (local.get $shares) (local.get $share)))
            (local.set $shareSquares (f64x2.add (local.get $shareSquares) (f64x2.mul (local.get $share) (local.get $share))))
            (local.set $share (f64x2.div
              (f64x2.convert_low_i32x4_s (i32x4.extend_high_i16x8_s (local.get $a)))
              (f64x2.convert_low_i32x4_s (i32x4.extend_high_i16x8_s (local.get $b)))))
            (local.set $shares (f64x2.add (local.get $shares) (local.get $share)))
            (local.set $shareSquares (f64x2.add (local.get $shareSquares) (f64x2.mul (local.get $share) (local.get $share))))
            (local.set $share (f64x2.splat (f64.convert_i32_s (local.get $times))))
            (local.set $saturations (f64x2.add (local.get $saturations) (f64x2.mul (local.get $shares) (local.get $share))))
            (local.set $saturationSquares (f64x2.add (local.get $saturationSquares) (f64x2.mul (local.get $shareSquares) (local.get $share))))))

        (if (v128.any_true (local.get $coloured))
          (then
            ;; Hue in bins: 36 / 6 times the difference of the other channels over chroma, from red's 0 (or 36), green's 12 or blue's 24, rounded half up. Twice
            ;; that over twice chroma: the half in the dividend takes halves up, and is less than what parts it from the next multiple.
            (local.set $isRed (i16x8.eq (local.get $largest) (local.get $red)))
            (local.set $isGreen (i16x8.eq (local.get $largest) (local.get $green)))
            (local.set $delta (v128.bitselect (i16x8.sub (local.get $green) (local.get $blue))
              (v128.bitselect
                (i16x8.sub (local.get $blue) (local.get $red)) (i16x8.sub (local.get $red) (local.get $green)) (local.get $isGreen))
              (local.get $isRed)))
            (local.set $a (v128.bitselect
              (v128.and (i16x8.splat (i32.const 72)) (i16x8.lt_s (local.get $delta) (local.get $zero)))
              (v128.bitselect (i16x8.splat (i32.const 24)) (i16x8.splat (i32.const 48)) (local.get $isGreen))
              (local.get $isRed)))
            (local.set $twice (i16x8.add
              (i16x8.mul (local.get $delta) (i16x8.splat (i32.const 12)))
              (i16x8.mul (local.get $a) (local.get $chroma))))
            (local.set $b (i16x8.max_s (i16x8.shl (local.get $chroma) (i32.const 1)) (i16x8.splat (i32.const 1))))
            ;; At 2^23 floats are whole.
            (local.set $slots (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29
              (f32x4.add (f32x4.splat (f32.const 8388609)) (f32x4.div
                (f32x4.add (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $twice))) (f32x4.splat (f32.const 0.5)))
                (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $b)))))
              (f32x4.add (f32x4.splat (f32.const 8388609)) (f32x4.div
                (f32x4.add (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $twice))) (f32x4.splat (f32.const 0.5)))
                (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $b)))))))
            (local.set $slots (i16x8.shl (local.get $slots) (i32.const 2)))
            (local.set $a (i16x8.mul (v128.and (local.get $chroma) (local.get $coloured)) (local.get $weight)))
            ;; Four histograms in turn, so that a sum need not wait for the one before it.
            (local.set $slot (i32.add (local.get $hues) (i16x8.extract_lane_u 0 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 0 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues1) (i16x8.extract_lane_u 1 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 1 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues2) (i16x8.extract_lane_u 2 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 2 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues3) (i16x8.extract_lane_u 3 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 3 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues) (i16x8.extract_lane_u 4 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 4 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues1) (i16x8.extract_lane_u 5 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 5 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues2) (i16x8.extract_lane_u 6 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 6 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues3) (i16x8.extract_lane_u 7 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 7 (local.get $a))))))

        (local.set $count (local.get $left))
        (br $next)))
    (call $add4 (local.get $sums) (local.get $reds))
    (call $add4 (i32.add (local.get $sums) (i32.const 8)) (local.get $greens))
    (call $add4 (i32.add (local.get $sums) (i32.const 16)) (local.get $blues))
    (call $add4 (i32.add (local.get $sums) (i32.const 24)) (local.get $redSquares))
    (call $add4 (i32.add (local.get $sums) (i32.const 32)) (local.get $greenSquares))
    (call $add4 (i32.add (local.get $sums) (i32.const 40)) (local.get $blueSquares))
    (call $add4 (i32.add (local.get $sums) (i32.const 48)) (local.get $redGreens))
    (call $add4 (i32.add (local.get $sums) (i32.const 56)) (local.get $redBlues))
    (call $add4 (i32.add (local.get $sums) (i32.const 64)) (local.get $greenBlues))
    (call $add4 (i32.add (local.get $sums) (i32.const 72)) (i32x4.extadd_pairwise_i16x8_s (local.get $lits)))
    (call $add4 (i32.add (local.get $sums) (i32.const 80)) (i32x4.extadd_pairwise_i16x8_s (local.get $coloureds)))
    (call $add2 (i32.add (local.get $sums) (i32.const 88)) (local.get $saturations))
    (call $add2 (i32.add (local.get $sums) (i32.const 96)) (local.get $saturationSquares))
    (call $add4 (i32.add (local.get $sums) (i32.const 104)) (i32x4.extadd_pairwise_i16x8_s (local.get $vivids))))

  ;; The Laplacian of luma at `count` pixels, at most 8,192, that have neighbours on all sides. Pointers are to the first of them in three rows of 32-bit
  ;; integers. Adds to two doubles: the Laplacian and its squares.
  (func (export "walkEdges") (param $above i32) (param $here i32) (param $below i32) (param $count i32) (param $sums i32)
    (local $laplacian v128) (local $edges v128) (local $edgeSquares v128)
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        (local.set $laplacian (i32x4.sub
          (i32x4.add
            (i32x4.add (v128.load (i32.sub (local.get $here) (i32.const 4))) (v128.load offset=4 (local.get $here)))
            (i32x4.add (v128.load (local.get $above)) (v128.load (local.get $below))))
          (i32x4.shl (v128.load (local.get $here)) (i32.const 2))))
        (if (i32.lt_s (local.get $count) (i32.const 4))
          (then (local.set $laplacian (v128.and (local.get $laplacian)
            (i32x4.gt_s (i32x4.splat (local.get $count)) (v128.const i32x4 0 1 2 3))))))
        (local.set $edges (i32x4.add (local.get $edges) (local.get $laplacian)))
        (local.set $edgeSquares (i64x2.add (local.get $edgeSquares) (i64x2.add
          (i64x2.extmul_low_i32x4_s (local.get $laplacian) (local.get $laplacian))
          (i64x2.extmul_high_i32x4_s (local.get $laplacian) (local.get $laplacian)))))
        (local.set $above (i32.add (local.get $above) (i32.const 16)))
        (local.set $here (i32.add (local.get $here) (i32.const 16)))
        (local.set $below (i32.add (local.get $below) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $next)))
    (call $addLongs (local.get $sums)
      (i64x2.add (i64x2.extend_low_i32x4_s (local.get $edges)) (i64x2.extend_high_i32x4_s (local.get $edges))))
    (call $addLongs (i32.add (local.get $sums) (i32.const 8)) (local.get $edgeSquares))))
