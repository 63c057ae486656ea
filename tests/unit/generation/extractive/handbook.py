"""A small handbook with glossary, numbered steps, a table and front matter, for tests."""

WORKSHOP = """
# 1. The Workshop

## 1.1 Introduction

The workshop repairs bicycles for the members of the club. Members bring a bicycle on Monday and fetch it on Friday.
Volunteers do the work together with two paid mechanics, who also teach the evening classes of the club.

## 1.2 The frame

A frame is the set of welded tubes that carries every other part of the bicycle. A frame of steel can be mended
with a torch, whereas a frame of carbon fibre is replaced after a crash. Mechanics look at every frame for cracks
near the welds before they begin with anything else, because riders rarely notice them.

## 1.3 The drivetrain

A derailleur is a mechanism that lifts the chain from one sprocket to another. The derailleur hangs from the frame
on a bolt that bends easily. A bent derailleur shifts badly, and a mechanic straightens the hanger with a long lever.

A cassette is a stack of toothed rings that slides over the body of the rear hub. Each cassette wears together with
its chain. Mechanics measure the chain first, and they change the cassette when a new chain jumps on worn rings.

# 2. Maintenance

## 2.1 Procedure for a puncture

Follow these steps to mend a puncture:

1. Release the air from the tube through its valve.
2. Lift one side of the tyre over the rim with levers.
3. Pull the tube out and search it for the hole.
4. Press a patch on the roughened and glued rubber.

The glue needs five minutes to dry before a patch holds. A patch that is pressed on wet glue comes off during the
first kilometre, and the rider walks home.

## 2.2 Lubricants

Every moving part needs the lubricant that suits it. The table shows what the workshop keeps on its shelf.

| Part | Lubricant | Season |
|---|---|---|
| Chain | Dry wax | Spring and summer |
| Hub bearing | Lithium grease | The whole year |
| Cables | Teflon spray | Autumn and winter |
| Seat post | Copper paste | Before a long tour |

A spoke is a thin steel wire that pulls the rim towards the hub. One loose spoke makes the whole wheel wobble. A
mechanic plucks each spoke and tightens it until all of them give the same tone.

# 3. Glossary

- Headset: pair of bearings in which the fork turns when the rider steers.
- Bottom bracket: axle with bearings on which both cranks rotate.
- Quill: curved rod of aluminium that joins handlebars with the steerer tube.
- Pannier: waterproof bag that hangs from a rack beside the rear wheel.
- Fender: strip of plastic or metal that keeps splashing water off the rider.

# Licence

This text may be copied by anybody who names its authors and keeps the licence with every copy of the text.
"""
